"""Put wanted values into a configuration text with the smallest change of that text."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from remediation import Network

from .document import Document, Member, Span, read
from .problems import FIELDS, LIST, canonical, fields
from .ranges import parse_cidr


@dataclass(frozen=True)
class Wanted:
    """The list, whether it must be written out, and for each other field its value and the agent's default."""

    networks: tuple[Network, ...]
    explicit: bool
    scalars: Mapping[str, tuple[object, object]] = field(default_factory=dict)

    def written(self) -> dict[str, object]:
        """Return the fields that a text without any key needs, in the agent's order."""
        values: dict[str, object] = {LIST: [str(network) for network in self.networks]} if self.explicit else {}
        values.update({name: value for name, (value, default) in self.scalars.items() if value != default})
        return {name: values[name] for name in FIELDS if name in values}


@dataclass(frozen=True)
class Edit:
    """Replace a piece of the text."""

    span: Span
    text: str


def rewrite(original: str, wanted: Wanted) -> str:
    """Return the original with only the fields that differ replaced, and missing ones put before the first key."""
    document = read(original)
    if not document.members:
        return write(wanted, {}, original)
    return applied(original, _edits(document, wanted))


def applied(text: str, edits: Iterable[Edit]) -> str:
    """Return the text after edits of different places in it."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def write(wanted: Wanted, unknown: Mapping[str, object], original: str | None) -> str:
    """Return a text written anew, as JSON when the original is JSON; keys keep the order and spelling they had."""
    document = read(original or "")
    values = wanted.written() | dict(unknown)
    order = {canonical(member.key): member.key for member in document.members}
    ordered = {order[name]: values[name] for name in order if name in values}
    ordered |= {name: value for name, value in values.items() if name not in order}
    if document.is_json:
        return json.dumps(ordered, indent=2) + "\n"
    return _leading_comments(document) + _dump(ordered)


def replace_value(document: Document, member: Member, value: object) -> str:
    """Return the text with the value of one key replaced."""
    return applied(document.text, [_scalar_edit(document, member, value)])


def removal(document: Document, member: Member, place: int) -> Edit:
    """Return the edit that takes one entry, not the first, out of a list; a comment behind it stays on its line."""
    item, text = member.items[place], document.text
    if member.column is None:
        return Edit(Span(member.items[place - 1].end, item.end), "")
    start = text.rfind("\n", 0, item.start) + 1
    end = text.find("\n", item.end)
    line_end = len(text) if end < 0 else end + 1
    comment = text.find("#", item.end, line_end)
    return Edit(Span(start + member.column, comment), "") if comment >= 0 else Edit(Span(start, line_end), "")


def _leading_comments(document: Document) -> str:
    lines = document.text.splitlines()
    # A text of nothing but comments is an explanation that the first real setting should not erase.
    only_comments = all(not line.strip() or line.lstrip().startswith("#") for line in lines)
    return "".join(f"{line}\n" for line in lines) if only_comments else ""


def _dump(values: Mapping[str, object]) -> str:
    import yaml  # noqa: PLC0415 - costs 30 ms that commands without a masquerade configuration need not pay

    return str(yaml.safe_dump(dict(values), sort_keys=False, default_flow_style=False, allow_unicode=True))


def _edits(document: Document, wanted: Wanted) -> Iterator[Edit]:
    members = fields(document)
    missing = [(name, value) for name, value in wanted.written().items() if name not in members]
    if missing:
        yield _insertion(document, missing)
    if LIST in members:
        yield from _list_edits(document, members[LIST], wanted.networks)
    for name, (value, default) in wanted.scalars.items():
        if name in members and _or_default(members[name].value, default) != value:
            yield _scalar_edit(document, members[name], value)


def _or_default(value: object, default: object) -> object:
    return default if value is None else value


def _insertion(document: Document, missing: list[tuple[str, object]]) -> Edit:
    # Before the first key: the only place whose indentation and separators are known for every layout.
    first = document.members[0].key_span.start
    if not document.flow:
        lines = _dump(dict(missing)).splitlines()
        return Edit(Span(first, first), "".join(f"{line}\n{' ' * document.column}" for line in lines))
    blank = _blank_before(document.text, first)
    gap = blank if "\n" in blank else " "
    pairs = [f"{json.dumps(name)}: {json.dumps(value)},{gap}" for name, value in missing]
    return Edit(Span(first, first), "".join(pairs))


def _blank_before(text: str, position: int) -> str:
    start = len(text[:position].rstrip())
    return text[start:position]


def _scalar_edit(document: Document, member: Member, value: object) -> Edit:
    # From the end of the key, because an absent value has no place of its own. JSON text is YAML text too.
    end = max(member.span.end, member.key_span.end)
    text = document.text[member.span.start : end]
    return Edit(Span(member.key_span.end, end - len(text) + len(text.rstrip())), f": {json.dumps(value)}")


def _list_edits(document: Document, member: Member, networks: tuple[Network, ...]) -> Iterator[Edit]:
    old = _networks(member.value)
    if old == networks:
        return
    if not networks or not member.items:
        yield _scalar_edit(document, member, [str(network) for network in networks])
        return
    texts = [document.text[item.start : item.end] for item in member.items]
    known = dict(zip(old, texts, strict=True))
    entries = [known.get(network) or written_as(document, texts[0], network) for network in networks]
    for old_part, new_part in _replaced_parts(old, networks):
        span = Span(member.items[old_part][0].start, member.items[old_part][-1].end)
        yield Edit(span, _separator(document, member).join(entries[new_part]))


def _replaced_parts(old: tuple[Network, ...], new: tuple[Network, ...]) -> list[tuple[slice, slice]]:
    # Replacing entry by entry keeps the comments of the others. Where entries come or go without a counterpart, the
    # separators would have to be edited too, so then the list is replaced from its first to its last entry.
    changes = [each for each in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if each[0] != "equal"]
    if any(kind != "replace" for kind, *_ in changes):
        return [(slice(0, len(old)), slice(0, len(new)))]
    return [(slice(i, i_end), slice(j, j_end)) for _, i, i_end, j, j_end in changes]


def _networks(value: object) -> tuple[Network, ...]:
    return tuple(parse_cidr(str(entry)) for entry in value) if isinstance(value, list) else ()


def written_as(document: Document, example: str, network: Network) -> str:
    """Return a network as the text of an entry like the example."""
    # New entries are quoted as the old ones are; a plain IPv6 network inside braces or brackets would be ambiguous.
    quote = example[0] if example[0] in "\"'" else '"' if document.is_json or network.version == 6 else ""
    return f"{quote}{network}{quote}"


def _separator(document: Document, member: Member) -> str:
    if member.column is not None:
        return f"\n{' ' * member.column}- "
    if len(member.items) < 2:
        blank = _blank_before(document.text, member.items[0].start)
        return f",{blank}" if "\n" in blank else ", "
    between = document.text[member.items[0].end : member.items[1].start]
    return between if "#" not in between else ", "
