"""How much text is taken from a cluster, a file or a server: whoever may write there must not stop who repairs it.

A configuration that is longer is refused, for nobody can build on half of it. A message or a log is cut, and says so.
"""

from __future__ import annotations

# In bytes, each far beyond what is ever written by hand or by a program that means well.
CONFIGURATION = 64 * 1024
LOG = 256 * 1024
# A Secret, a plan or a kubeconfig of many clusters may be long; an API server takes no object of more than this.
OBJECT = 1024 * 1024
PLAN = KUBECONFIG = 8 * OBJECT
# In characters: what is read aloud from a pager is shorter.
MESSAGE = 4 * 1024
# How deep lists and mappings may be inside each other; a configuration needs three.
DEPTH = 32


def message(text: str) -> str:
    """Return a message, cut where it is too long; it says how much is left out."""
    return text if len(text) <= MESSAGE else f"{text[:MESSAGE]}… (cut: {len(text) - MESSAGE} more characters)"


def cut(text: str, most: int) -> str:
    """Return text of at most so many characters, cut between two words where there are two; what is left out is marked."""
    if len(text) <= most:
        return text
    words = text[: most - 1].rpartition(" ")[0].rstrip()
    return f"{words} …" if words else f"{text[: most - 1]}…"


def kilobytes(size: int) -> str:
    """Return a size for a sentence."""
    return f"{-(-size // 1024)} KB"
