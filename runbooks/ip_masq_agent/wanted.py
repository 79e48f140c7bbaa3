"""The configuration that a wish comes to, and what keeps it from being written."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import need

from .agent import Agent
from .by_hand import IMMUTABLE, MAKE_ANEW
from .config import MasqueradeConfig
from .refusals import require_harmless, require_possible, require_sound
from .situation import Situation
from .wish import Wish


@dataclass(frozen=True)
class Wanted:
    """The text of the ConfigMap, None where there is to be none, and the digest of what it means."""

    text: str | None
    digest: str

    def is_new_to(self, now: Situation) -> bool:
        """Tell whether agents have to be told of it."""
        return self.text != now.present.text or now.agent.restarted_for not in (None, self.digest)


def wanted_configuration(now: Situation, wish: Wish) -> Wanted:
    """Return the smallest change that says what was asked for, or else the repaired text; refuse what would do harm."""
    agent = now.agent
    repaired = agent.repaired if agent.rejected and not wish.masquerade else None
    require_possible(now, wish)
    require_sound(agent, wish, repairs=repaired is not None)
    if repaired is None:
        config = agent.config.without(wish.masquerade)
        require_harmless(now, config, wish)
        text = _text(agent, config)
    else:
        text, config = repaired, agent.meaning(repaired)
    need(not agent.immutable or text == now.present.text, IMMUTABLE, MAKE_ANEW)
    return Wanted(text, config.digest)


def _text(agent: Agent, config: MasqueradeConfig) -> str | None:
    """Return the smallest change of the text that says so; the same text when it does already."""
    return agent.text if config.same_as(agent.config) else config.render(agent.text)
