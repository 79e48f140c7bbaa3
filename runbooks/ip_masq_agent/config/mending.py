"""What one may put right in a configuration when asked to, with the smallest change of its text.

Only faults with one remedy are mended: a range with host bits is its network, a range listed twice is listed once, of
a key written twice the one goes that the agent does not read, text that says true is true, a unitless interval is in
seconds, and a misspelt key is the one it resembles. What else is wrong stays as it is, for a person to decide.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from remediation import Network, collapsed

from .document import Document, DocumentError, Member, Span, comments, read
from .problems import FIELDS, INTERVAL, LIMIT, LINK_LOCAL, LINK_LOCAL_IPV6, LIST, canonical, fields, resembled
from .ranges import aligned, parse_cidr
from .repair import with_unit
from .rewrite import Edit, applied, removal, replace_value, written_as

_WHOLE = re.compile(r"[0-9]{1,9}")
_WORDS = {"true": True, "false": False}


def mended(text: str) -> str:
    """Return the text with each fault mended that has one remedy; the same text where a comment would go with it."""
    try:
        spelt = _spelt(text)
        found = _listed_once(_of_their_kinds(_written_once(spelt)))
        # Rare YAML can defeat an edit in place; then the text stays as it is.
        return found if _keeps_comments(text, found) and _meaning(found) == _meaning(spelt) else text
    except DocumentError:
        return text


def joined(text: str) -> str:
    """Return the text with the same addresses in as few ranges as there can be; the same text where nothing joins.

    A range that several entries make up stands where the first of them stood.
    """
    try:
        document = read(text)
        networks = _networks(fields(document).get(LIST))
        if not networks:
            return text
        whole = collapsed(networks)
        found = _with_list(document, _holding(networks, whole))
        # Rare YAML can defeat an edit in place; then the text stays as it is.
        same = set(_networks(fields(read(found)).get(LIST))) == set(whole)
        return found if same and _keeps_comments(text, found) else text
    except DocumentError:
        return text


def _holding(networks: Iterable[Network], whole: Iterable[Network]) -> list[Network]:
    """Return for each network the one of the others, which share no address, that holds it."""
    blocks = sorted(whole, key=_place)
    places = [_place(block) for block in blocks]
    return [blocks[bisect_right(places, _place(item)) - 1] for item in networks]


def _place(network: Network) -> tuple[int, int]:
    return network.version, int(network.network_address)


def _keeps_comments(old: str, new: str) -> bool:
    return not Counter(comments(old)) - Counter(comments(new))


def _spelt(text: str) -> str:
    """Spell each key as the one that it resembles, where that one is missing and nothing else resembles it."""
    document = read(text)
    known = {canonical(member.key) for member in document.members}
    meant = [(member, resembled(member.key)) for member in document.members if canonical(member.key) not in FIELDS]
    times = Counter(name for _, name in meant)
    edits = [
        Edit(member.key_span, document.text[member.key_span.start : member.key_span.end].replace(member.key, name))
        for member, name in meant
        if name and name not in known and times[name] == 1
    ]
    return applied(text, edits)


def _written_once(text: str) -> str:
    """Take away each field that the agent does not read because it reads another one of that name."""
    document = read(text)
    counts = fields(document)
    members = enumerate(document.members)
    unread = [place for place, member in members if counts[canonical(member.key)] is not member]
    return applied(text, [_without(document, place) for place in unread])


def _without(document: Document, place: int) -> Edit:
    """Return the edit that takes a key and its value away, with the lines that they stand on."""
    member = document.members[place]
    if document.flow:
        if place + 1 < len(document.members):
            return Edit(Span(member.key_span.start, document.members[place + 1].key_span.start), "")
        return Edit(Span(document.members[place - 1].span.end, member.span.end), "")
    end = document.text.find("\n", max(member.span.end - 1, member.key_span.end))
    start = document.text.rfind("\n", 0, member.key_span.start) + 1
    return Edit(Span(start, len(document.text) if end < 0 else end + 1), "")


def _of_their_kinds(text: str) -> str:
    """Write numbers and true and false without quotes, and the interval with its unit."""
    for name, kind in _KINDS.items():
        document = read(text)
        member = fields(document).get(name)
        value = kind(member.value) if member else None
        if member is not None and value is not None:
            text = replace_value(document, member, value)
    return text


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def _truth(value: object) -> bool | None:
    return _WORDS.get(value.casefold()) if isinstance(value, str) else None


def _listed_once(text: str) -> str:
    """Write each range as the agent wants it, and once."""
    document = read(text)
    member = fields(document).get(LIST)
    known = _readable(member.value) if member else []
    return _with_list(document, known) if known else text


def _readable(value: object) -> list[Network]:
    """Return the ranges of a list with their host bits cleared; none where one of them is no range."""
    entries = value if isinstance(value, list) else []
    networks = [aligned(entry) if isinstance(entry, str) else None for entry in entries]
    known = [item for item in networks if item is not None]
    return known if len(known) == len(networks) else []


_KINDS: Final[dict[str, Callable[[object], object]]] = {
    LIMIT: _number,
    LINK_LOCAL: _truth,
    LINK_LOCAL_IPV6: _truth,
    INTERVAL: with_unit,
}


def _meaning(text: str) -> dict[str, object]:
    """Return what the fields say once they are mended, in whatever way they are written."""
    values: dict[str, object] = {name: member.value for name, member in fields(read(text)).items()}
    for name, kind in _KINDS.items():
        if (value := kind(values.get(name))) is not None:
            values[name] = value
    if known := _readable(values.get(LIST)):
        values[LIST] = list(dict.fromkeys(known))
    return values


def _networks(member: Member | None) -> list[Network]:
    """Return the ranges of the list as the agent reads them; none where it cannot read all of them."""
    entries = member.value if member and isinstance(member.value, list) else []
    try:
        return [parse_cidr(str(entry)) for entry in entries]
    except ValueError:
        return []


def _with_list(document: Document, wanted: Sequence[Network]) -> str:
    """Return the text with each entry of the list replaced by the wanted one, where that is new, else taken away."""
    return applied(document.text, list(_entry_edits(document, fields(document)[LIST], wanted)))


def _entry_edits(document: Document, member: Member, wanted: Sequence[Network]) -> Iterator[Edit]:
    seen: set[Network] = set()
    for place, (span, network) in enumerate(zip(member.items, wanted, strict=True)):
        present = document.text[span.start : span.end]
        if network in seen:
            yield removal(document, member, place)
        elif not _says(present, network):
            yield Edit(span, written_as(document, present, network))
        seen.add(network)


def _says(text: str, network: Network) -> bool:
    try:
        return parse_cidr(text.strip("\"'")) == network
    except ValueError:
        return False
