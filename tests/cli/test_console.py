"""What a terminal would obey or hide is shown; only our own colours are obeyed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import unicodedata

import pytest

from remediation.cli.console import ERASE, Guarded, printable, style, unstyled

HOSTILE = "\x1b]52;c;aWQK\x07 \x1b[2J \x1b[31mred\x1b[0m \x9b1A \x08\x08 \r \u202eevil\u2066 \u200b \U000e0041 \x85 \u2028 \ufeff"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(text: str, *, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    Guarded(stream).write(text)
    return stream.getvalue()


def test_no_character_is_unseen_or_obeyed() -> None:
    """All of Cc and Cf, line separators and lone surrogates are escaped as JSON would; everything else stays."""
    kinds = ("Cc", "Cf", "Zl", "Zp", "Cs")
    for number in range(0x110000):
        character = chr(number)
        unseen = unicodedata.category(character) in kinds and character not in "\n\t"
        if unseen:
            assert printable(character).isascii(), hex(number)
            assert json.loads(f'"{printable(character)}"') == character
    for text in ("zürich 東京 ✓ …", "a\tb\nc", "https://192.0.2.1:6443"):
        assert printable(text) == text


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_sequences_of_others_are_shown(stream: type[io.StringIO]) -> None:
    """Also colours: who may write an event does not paint what it says green."""
    text = written(f"event: {HOSTILE}", stream=stream())
    assert text == printable(text)
    assert "\\u001b[31mred\\u001b[0m" in text
    assert "\\u009b1A" in text


def test_our_colours_are_obeyed_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not where somebody wants none; the text inside is escaped all the same."""
    text = style("ok \x1b[8m", fg="green", bold=True) + ERASE
    assert written(text, stream=Terminal()) == "\x1b[32;1mok \\u001b[8m\x1b[0m\r\x1b[K"
    assert written(style("ok", fg="green")) == "ok"
    monkeypatch.setenv("NO_COLOR", "1")
    assert written(style("ok", fg="green"), stream=Terminal()) == "ok"
    assert unstyled(style("ok", bold=True)) == "ok"


def test_json_stays_json_and_means_the_same() -> None:
    """A reader of -o json gets the very text back."""
    document = {"message": HOSTILE, HOSTILE: [HOSTILE]}
    text = written(json.dumps(document, ensure_ascii=False))
    assert text == printable(text)
    assert json.loads(text) == document


def test_everything_in_the_process_passes_there() -> None:
    """A traceback, a warning, click's own words and a plain print too."""
    code = f"""
import sys, warnings, click
from remediation.cli.console import guard
guard()
print({HOSTILE!r})
click.echo({HOSTILE!r})
warnings.warn({HOSTILE!r})
click.UsageError({HOSTILE!r}).show()
raise ValueError({HOSTILE!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 1
    assert done.stdout.count("evil") == 2
    assert done.stderr.count("evil") >= 3
    assert (done.stdout + done.stderr) == printable(done.stdout + done.stderr)
