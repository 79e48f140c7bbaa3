"""Text that is brief where all of it would not fit a screen, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Of 24 lines, less the heading and what to type next.
SCREEN = 19
# So many of a kind are shown; of more, the first ones and how many more there are.
SEVERAL = 3


@dataclass(frozen=True)
class Shown:
    """A text, and all of it where the text is brief; else empty."""

    text: str
    everything: str = ""

    def under(self, heading: str) -> Shown:
        """Return both texts under a heading."""
        return Shown(f"{heading}\n{self.text}", self.everything and f"{heading}\n{self.everything}")


def fitted(lines: Callable[[bool], list[str]], *, full: bool) -> Shown:
    """Return all of a text where that is asked for or fits a screen, else what is brief, and how to see the rest.

    Args:
        lines: returns the lines of the text; brief when it is called with True.
        full: show all of it.
    """
    everything = lines(False)
    short = everything if full or len(everything) <= SCREEN else lines(True)
    if short == everything:
        return Shown("\n".join(everything))
    rest = f"  in brief, {len(short)} of {len(everything)} lines; --full shows all"
    return Shown("\n".join([*short, rest]), "\n".join(everything))
