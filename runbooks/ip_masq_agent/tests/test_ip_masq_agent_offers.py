"""What a refusal of ip-masq-agent offers works as it is typed: diff, run, proof and undo; on the emulated cluster."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import yaml

from tests.catalogue import CONFIG
from tests.masquerade import World

FOUR = [word for second in (0, 80, 128, 192) for word in ("--masquerade", f"10.{second}.7.9/32")]
NEIGHBOURS = "nonMasqueradeCIDRs:\n" + "".join(f"- 10.{second}.0.0/16\n" for second in range(50, 110))


def offered(error: dict[str, Any]) -> list[list[str]]:
    """Return the words after `runbook` of each command that is offered, without those that name the place."""
    ways = [shlex.split(way) for way in error["next"].split("  or  ")]
    return [_without_place(words[1:]) for words in ways if words[:2] == ["runbook", "plan"]]


def _without_place(words: list[str]) -> list[str]:
    for option in ("--store", "--kubeconfig", "--context"):
        place = words.index(option)
        del words[place : place + 2]
    return words


def planned(world: World, words: list[str]) -> str:
    """Plan what is offered, and return the configuration that it would make."""
    done = world.cli(*words).expect(0)
    assert done.status == "planned"
    return str(done.json["plan"]["changes"][0]["edits"][0]["new"])


def test_the_nearest_ranges_that_fit(world: World) -> None:
    """Ninety entries are refused; the wider ranges are offered with what else they masquerade, and they fit."""
    world.put(CONFIG)
    error = world.refused(*FOUR)
    assert "would have 90 entries; the agent accepts at most 64" in error["summary"]
    assert "more addresses would be masqueraded: 10.0.7." in error["summary"]
    [words] = offered(error)
    assert words.count("--masquerade") == 4
    assert len(yaml.safe_load(planned(world, words))["nonMasqueradeCIDRs"]) == 64


def test_joining_neighbours_where_that_is_enough(world: World) -> None:
    """It comes first, because it changes nothing else; the wider range is the other way."""
    world.put(NEIGHBOURS)
    error = world.refused("--masquerade", "10.107.7.9/32")
    assert "With --join it would have" in error["summary"]
    assert "no address is treated otherwise" in error["summary"]
    joins, wider = offered(error)
    assert joins == ["plan", "ip-masq-agent", "--masquerade", "10.107.7.9/32", "--join"]
    assert "--join" not in wider
    assert "10.107.7.8/32" in planned(world, joins)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("nonMasqueradeCIDRs: [10.0.0.0/8, 10.0.0.0/8]\n", ["--repair"]),
        (CONFIG + 'masqLinkLocal: "false"\n', ["--repair"]),
        (NEIGHBOURS + "".join(f"- 10.{second}.0.0/16\n" for second in range(32, 37)), ["--join"]),
    ],
    ids=["duplicate", "quoted", "too many"],
)
def test_a_faulty_text_is_offered_its_remedy(world: World, text: str, flags: list[str]) -> None:
    """By the diagnosis, and by the refusal together with all else that was asked for; by hand is the other way."""
    world.put(text)
    assert world.finding()["fix"].split()[:4] == ["runbook", "plan", "ip-masq-agent", *flags]
    wished = ["--masquerade", "10.33.0.0/16", "--no-restart"]
    error = world.refused(*wished)
    assert offered(error) == [["plan", "ip-masq-agent", *wished, *flags]]
    assert "edit configmap ip-masq-agent" in error["next"]
    assert planned(world, offered(error)[0]) != text


def test_a_repair_is_shown_made_proven_and_undone(world: World) -> None:
    """Host bits, a duplicate and a quoted word at once; the comments stay, and so does everything else."""
    faulty = "# ours\nnonMasqueradeCIDRs:\n- 10.0.0.1/8 # corp\n- 10.0.0.0/8 # twice\nmasqLinkLocal: 'False'\n"
    world.put(faulty)
    done = world.cli("run", "ip-masq-agent", "--repair", "--yes").expect(0)
    assert done.status == "verified"
    assert world.text() == "# ours\nnonMasqueradeCIDRs:\n- 10.0.0.0/8 # corp\n# twice\nmasqLinkLocal: false\n"
    assert world.cli("rollback", "last", "--yes").expect(0).status == "rolled_back"
    assert world.text() == faulty


def test_a_repair_that_would_harm_is_left_to_a_person(world: World) -> None:
    """A misspelt list that counted would masquerade the nodes: refused, and the diagnosis does not send anybody there."""
    world.put("nonMasqueradeCIDR: [10.0.0.0/8]\n")
    assert world.finding()["fix"] is None
    error = world.refused("--repair")
    assert "must keep seeing pod addresses" in error["summary"]
    assert "edit configmap ip-masq-agent" in error["next"]


def test_a_link_local_range_names_the_line_that_would_do_it(world: World) -> None:
    """The agent adds these ranges by itself; whether it should not is for somebody who knows what answers there."""
    world.put(CONFIG)
    error = world.refused("--masquerade", "169.254.8.0/24")
    assert "the agent itself keeps link-local ranges" in error["summary"]
    assert "masqLinkLocal: true" in error["next"]
