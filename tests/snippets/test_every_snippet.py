"""Every block of code on every page is run by a test, which says so."""

from __future__ import annotations

import re

import pytest
from tests.snippets.claims import ROOT, Claim, claims, pages, snippets, unclaimed
from website.reference.pages import pages as reference_pages

SNIPPETS = {
    "reference/commands.md text": "each is the example of a row of commands, which tests/cli/test_table.py runs",
}

WRITTEN = [each for page in pages() for each in snippets(str(page.relative_to(ROOT)), page.read_text())]
MADE = [each for page, text in reference_pages() for each in snippets(page, text)]
CLAIMS = list(claims())


def test_every_snippet_is_run_by_a_test() -> None:
    assert len(WRITTEN) > 100
    assert unclaimed([*WRITTEN, *MADE], CLAIMS) == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.module.stem}: {claim.page} {claim.language}")
def test_a_claim_is_of_snippets_that_there_are_and_of_a_page_that_its_module_reads(claim: Claim) -> None:
    covered = [each for each in [*WRITTEN, *MADE] if claim.covers(each)]
    assert covered
    assert not claim.numbers or {each.number for each in covered} == claim.numbers
    assert claim.module.name.startswith("test_")
    said = re.sub(r"^SNIPPETS = \{.*?^\}$", "", claim.module.read_text(), flags=re.MULTILINE | re.DOTALL)
    name = claim.page.rpartition("/")[2]
    assert "*" in name or name in said or claim.page.startswith("reference/"), f"{claim.module} does not read {name}"


PAGE = """\
```sh
tidegate serve
```

- In a list:

  ~~~~python
  ```
  ~~~~

```
nothing is said of this one
```

``` sh title="second"
tidegate dev
```
"""


def test_blocks_of_every_form_are_found() -> None:
    found = [(each.language, each.number, each.line) for each in snippets("page.md", PAGE)]
    assert found == [("sh", 1, 1), ("python", 1, 7), ("", 1, 11), ("sh", 2, 15)]
    assert next(snippets("page.md", PAGE)).text == "tidegate serve\n"


def test_a_block_that_nobody_runs_is_named() -> None:
    first = Claim(ROOT / "tests/test_it.py", "*.md", "sh", frozenset({1}), "typed")
    assert unclaimed(snippets("page.md", PAGE), [first]) == [
        "page.md:7: python 1",
        "page.md:11: no language 1",
        "page.md:15: sh 2",
    ]
