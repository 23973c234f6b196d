"""`crosscal store`: show what is stored, why and how large, check it, and remove what may go."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BadInput, Corrupt
from bench.report.tables import terminal_table, visible
from bench.store.garbage import collect, damage, leftovers, quarantined, sessions, size_of, unfinished
from bench.store.location import KINDS, default_root, stored
from bench.store.manifest import Manifest, read_manifest, verify_files
from bench.store.pins import Artefact, keys_in, needed, pins
from bench.store.store import Store

SUMMARY = "show, check and clean the store of artefacts"
PROBLEMS = 1
_AGED = "also artefacts, quarantine and interrupted trainings of this age"
_RELEASED = "give up what a baseline pins, by its name in `crosscal store ls`"
_PREFIX = re.compile(r"[0-9a-f]{6,64}\Z")
_DIGITS = 12
# With kind, key, date and size these make 100 columns at most.
_WHAT_WIDTH = 34
_NAMES_WIDTH = 12


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    ls = _action(actions, "ls", _ls, "list artefacts: what they are, when they were made, which baselines need them")
    ls.add_argument("--kind", choices=KINDS, help="one kind (default: all)")
    ls.add_argument("--long", action="store_true", help="whole keys and words, the device, seconds of work")
    verify = _action(actions, "verify", _verify, "hash every file, move damaged artefacts to quarantine")
    verify.add_argument("keys", nargs="*", metavar="KEY", help="a key or its first 6 digits or more (default: all)")
    gc = _action(actions, "gc", _gc, "remove leftovers and, on request, what is old and no baseline needs")
    gc.add_argument("--dry-run", action="store_true", help="print what would go, remove nothing")
    gc.add_argument(
        "--older-than",
        type=float,
        metavar="DAYS",
        help=_AGED,
    )
    gc.add_argument("--release", metavar="NAME", help=_RELEASED)
    path = _action(actions, "path", _path, "print the directory of an artefact")
    path.add_argument("kind", choices=KINDS, help="its kind")
    path.add_argument("key", metavar="KEY", help="its key, or the first 6 digits or more")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; returns 1 when `verify` found a problem, else 0, and raises BadInput where there is no store.

    Names in the store are shown without control characters.
    """
    action: Callable[[argparse.Namespace, Path], int] = arguments.action
    root = (arguments.store or default_root()).absolute()
    if not root.is_dir():
        raise BadInput(f"Got store={str(root)!r}, which is no directory; name one with --store or CROSSCAL_HOME.")
    return action(arguments, root)


def _action(actions: Any, name: str, action: Callable[[argparse.Namespace, Path], int], summary: str) -> Any:
    parser = actions.add_parser(name, help=summary, description=summary)
    parser.add_argument("--store", type=Path, metavar="DIR", help="the store (default: CROSSCAL_HOME, or your cache)")
    parser.set_defaults(action=action)
    return parser


def _ls(arguments: argparse.Namespace, root: Path) -> int:
    names, problem = _names(root)
    seen = [_see(*found) for found in stored(root)]
    users = _users(each.manifest for each in seen if each.manifest)
    shown = [each for each in seen if arguments.kind in (None, each.kind)]
    lines = _long_table(shown, users, names) if arguments.long else _short_table(shown, users, names)
    for line in [*lines, "", *problem, *_baseline_lines(root, seen, problem), *_beside_lines(root), *_totals(shown)]:
        print(line)
    return 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """A stored artefact; `damage` says what is wrong with it, and there may be no manifest then."""

    kind: str
    key: str
    size: int
    damage: str
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class _User:
    """An artefact made from another: under which name of its identity that is, and what it is itself."""

    field: str
    words: str


def _see(kind: str, key: str, path: Path) -> _Seen:
    """Look at an artefact where it lies: a list must not move what is damaged away, as Store.find would."""
    problem = damage(path, kind, key)
    try:
        manifest = read_manifest(path, kind, key)
    except (Corrupt, OSError):
        manifest = None
    return _Seen(kind, key, size_of(path), problem, manifest)


def _names(root: Path) -> tuple[dict[Artefact, tuple[str, ...]], list[str]]:
    """Return which baselines need what, and a line to print where that cannot be read."""
    try:
        return needed(root), []
    except Corrupt as error:
        return {}, [visible(f"damaged pin: {error}")]


def _users(manifests: Iterable[Manifest]) -> dict[str, list[_User]]:
    """Return for every key whatever has it in its identity."""
    users: dict[str, list[_User]] = {}
    for manifest in manifests:
        for name, value in manifest.identity.items():
            for key in keys_in(value):
                users.setdefault(key, []).append(_User(name, _own_words(manifest)))
    return users


def _short_table(
    seen: Sequence[_Seen], users: Mapping[str, list[_User]], names: Mapping[Artefact, tuple[str, ...]]
) -> list[str]:
    rows = [
        [
            each.kind,
            each.key[:_DIGITS],
            _shortened(_words(each, users), _WHAT_WIDTH),
            _first(names.get((each.kind, each.key), ())),
            each.manifest.created[:10] if each.manifest else "",
            size_text(each.size),
        ]
        for each in seen
    ]
    return terminal_table(["kind", "key", "what", "needed by", "made", "size"], rows, 4)


def _long_table(
    seen: Sequence[_Seen], users: Mapping[str, list[_User]], names: Mapping[Artefact, tuple[str, ...]]
) -> list[str]:
    rows = [
        [
            each.kind,
            each.key,
            _words(each, users),
            ", ".join(names.get((each.kind, each.key), ())),
            *_making(each.manifest),
            size_text(each.size),
        ]
        for each in seen
    ]
    return terminal_table(["kind", "key", "what", "needed by", "made", "device", "seconds", "size"], rows, 4)


def _making(manifest: Manifest | None) -> tuple[str, str, str]:
    """Return when and where the artefact was made, and the seconds it took, as far as that was recorded."""
    if manifest is None:
        return "", "", ""
    seconds = manifest.provenance.get("seconds")
    return (
        str(manifest.created),
        str(manifest.provenance.get("device") or ""),
        f"{seconds:.1f}" if isinstance(seconds, (int, float)) else "",
    )


def _words(seen: _Seen, users: Mapping[str, list[_User]]) -> str:
    if seen.manifest is None or seen.damage:
        return f"DAMAGED: {seen.damage}"
    if isinstance(shown := seen.manifest.provenance.get("shown"), str):
        return shown
    if seen.kind == "predictions" and (made_for := users.get(seen.key)):
        return _purpose(made_for)
    return _own_words(seen.manifest)


def _purpose(users: Sequence[_User]) -> str:
    """Return what an artefact was made for: the use that fewest share says most about it."""
    shared = {name: [user.words for user in users if user.field == name] for name in {user.field for user in users}}
    name, words = min(shared.items(), key=lambda item: (len(item[1]), item[0]))
    more = f" and {len(words) - 1} more" if len(words) > 1 else ""
    return f"{name} of {min(words)}{more}"


def _own_words(manifest: Manifest) -> str:
    """Return what the identity says of an artefact; one of an unknown form is listed as it is."""
    identity = manifest.identity
    phase = identity.get("phase")
    if "id" in identity:
        return str(identity["id"])
    if isinstance(phase, Mapping):
        report = manifest.provenance.get("report")
        steps = f", {report['steps']} steps" if isinstance(report, Mapping) and "steps" in report else ""
        return f"{phase.get('task')}, seed {identity.get('seed')}{steps}"
    return ", ".join(f"{name} {str(value)[:_DIGITS]}" for name, value in identity.items() if _is_plain(value))


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _first(names: Sequence[str]) -> str:
    """Return the first name and how many more there are, in few columns."""
    if not names:
        return ""
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return _shortened(names[0], _NAMES_WIDTH - len(more)) + more


def _baseline_lines(root: Path, seen: Sequence[_Seen], problem: Sequence[str]) -> Iterator[str]:
    here = {(each.kind, each.key) for each in seen}
    for pin in [] if problem else pins(root):
        missing = len(set(pin.artefacts) - here)
        absent = f", {missing} not stored" if missing else ""
        yield visible(f"baseline {pin.name} ({pin.described_as}): {_count(pin.artefacts, 'artefact')}{absent}")


def _beside_lines(root: Path) -> Iterator[str]:
    for what, paths in (
        ("quarantine", quarantined(root)),
        ("unfinished", unfinished(root)),
        ("leftovers", leftovers(root)),
        ("sessions", sessions(root)),
    ):
        yield f"{what}: {len(paths)}, {size_text(sum(map(size_of, paths)))}"


def _totals(seen: Sequence[_Seen]) -> Iterator[str]:
    for kind in dict.fromkeys(each.kind for each in seen):
        sizes = [each.size for each in seen if each.kind == kind]
        yield f"{kind}: {len(sizes)}, {size_text(sum(sizes))}"
    yield f"all artefacts: {len(seen)}, {size_text(sum(each.size for each in seen))}"


def _verify(arguments: argparse.Namespace, root: Path) -> int:
    from tqdm import tqdm

    store = Store(root)
    chosen = _chosen(root, arguments.keys)
    problems = 0
    with tqdm(chosen, unit="artefact", disable=None) as bar:
        for found in bar:
            for line in _checked(store, *found):
                problems += 1
                bar.write(visible(line))
    for line in _names(root)[1]:
        problems += 1
        print(line)
    print(f"{_count(chosen, 'artefact')} checked, {problems} problem{'' if problems == 1 else 's'}")
    return PROBLEMS if problems else 0


def _chosen(root: Path, keys: Sequence[str]) -> list[tuple[str, str, Path]]:
    """Return what has one of `keys` or begins like it, all for none; raises BadInput for one that nothing has."""
    found = list(stored(root))
    for key in keys:
        if not _with_prefix(found, key):
            raise BadInput(f"Got key={key!r}, but nothing in {root} has it; see `crosscal store ls --long`.")
    return [each for each in found if not keys or each[1].startswith(tuple(keys))]


def _checked(store: Store, kind: str, key: str, path: Path) -> list[str]:
    """Return what is wrong with the artefact, a line each, and where it lies now; what was removed is not wrong."""
    before = set(quarantined(store.root))
    problems = _problems(path, kind, key)
    if problems:
        # What cannot be read can perhaps not be moved either, and is reported all the same.
        with contextlib.suppress(OSError):
            store.find(kind, key, hashed=True)
    refuges = [each for each in quarantined(store.root) if each not in before and each.name.startswith(f"{kind}-{key}")]
    if refuges:
        place = f"moved to {refuges[0]}"
    elif problems and os.path.lexists(path):
        place = "left where it is, because it is in use or must not be moved"
    else:
        return []
    return [f"{kind} {key[:_DIGITS]}: {problem}; {place}" for problem in problems]


def _problems(path: Path, kind: str, key: str) -> list[str]:
    try:
        return verify_files(path, read_manifest(path, kind, key))
    except (Corrupt, OSError) as error:
        return [str(error)]


def _gc(arguments: argparse.Namespace, root: Path) -> int:
    found = []
    for each in collect(Store(root), arguments.older_than, arguments.release, arguments.dry_run):
        found.append(each)
        print(visible(f"{each.path.relative_to(root)}: {each.reason}, {size_text(each.size)}"))
    done = "would be removed" if arguments.dry_run else "removed"
    freed = "to free" if arguments.dry_run else "freed"
    print(f"{len(found)} {done}, {size_text(sum(each.size for each in found))} {freed}")
    return 0


def _path(arguments: argparse.Namespace, root: Path) -> int:
    found = _with_prefix(stored(root, arguments.kind), arguments.key)
    if not found:
        raise BadInput(
            f"Got key={arguments.key!r}, but no {arguments.kind} in {root} has it; "
            f"see `crosscal store ls --kind {arguments.kind}`."
        )
    if len(found) > 1:
        keys = ", ".join(key for _, key, _ in found)
        raise BadInput(
            f"Got key={arguments.key!r}, with which {len(found)} keys begin; give more digits of one: {keys}."
        )
    print(found[0][2])
    return 0


def _with_prefix(found: Iterable[tuple[str, str, Path]], prefix: str) -> list[tuple[str, str, Path]]:
    if not _PREFIX.match(prefix):
        raise BadInput(f"Got key={prefix!r}, but a key, or the beginning of one, is 6 to 64 digits of 0-9 and a-f.")
    return [each for each in found if each[1].startswith(prefix)]


def size_text(size: int) -> str:
    """Return bytes as people read them: "17 B", "1.5 KiB"."""
    if size < 1024:
        return f"{size} B"
    number = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        number /= 1024
        if number < 1024:
            return f"{number:.1f} {unit}"
    return f"{number / 1024:.1f} TiB"


def _shortened(text: str, width: int) -> str:
    """Return `text` with its middle left out where it is longer than `width`: ids differ at both ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def _count(things: Sequence[Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
