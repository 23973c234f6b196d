"""Parts of documents that a command writes, between two marks."""


def with_part(page: str, begin: str, end: str, part: str) -> str:
    """Return `page` with `part` between the marks `begin` and `end`."""
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return before + begin + part + end + after
