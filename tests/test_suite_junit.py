"""What a JUnit file says of each case: its id, status, flags and main numbers, and no whole rows."""

import xml.etree.ElementTree as ET


def properties(path):
    return {
        case.get("name"): {one.get("name"): one.get("value") for one in case.iter("property")}
        for case in ET.parse(path).getroot().iter("testcase")
    }


def test_a_case_tells_junit_its_status_and_its_numbers(suite, tiny, pytester):
    path = pytester.path / "junit.xml"
    finished = suite(*tiny, "--models", "tiny,xlmr_large", "-k", "none", "--junit-xml", str(path))
    found = {one["crosscal.id"]: one for one in properties(path).values()}

    assert {one["crosscal.status"] for one in found.values()} == {"run", "skipped"}
    rows = {row.id: row for row in finished.rows if row.recalibration == "none"}
    for identity, row in rows.items():
        assert float(found[identity]["crosscal.nll"]) == float(f"{row.metric('nll').value:.6g}")
        assert "local_model" in found[identity]["crosscal.flags"].split()
        assert "crosscal.nll.ts_en" in found[identity]
    assert "crosscal.nll" not in next(one for one in found.values() if one["crosscal.status"] == "skipped")


def test_junit_keeps_no_whole_rows(suite, tiny, pytester):
    path = pytester.path / "junit.xml"
    finished = suite(*tiny, "-k", "none", "--junit-xml", str(path))

    assert len(finished.rows) == 4
    assert not {"crosscal", "crosscal_ledger"} & {name for one in properties(path).values() for name in one}
    assert path.stat().st_size < 3000 * len(finished.ledger.entries) + 1000
