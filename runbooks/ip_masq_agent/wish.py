"""What was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from remediation import Command, Network, command


@dataclass(frozen=True)
class Wish:
    """What was asked for: the ranges, and the other options as they were typed."""

    masquerade: tuple[Network, ...]
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, masquerade: tuple[Network, ...], *, restart: bool, **flags: bool) -> Wish:
        """Return a wish with the options for what is not as it is by default."""
        given = [f"--{name.replace('_', '-')}" for name, value in flags.items() if value]
        return cls(masquerade, (*([] if restart else ["--no-restart"]), *given))

    @property
    def deploys(self) -> bool:
        """Whether an agent may be deployed where there is none."""
        return "--deploy-agent" in self.options

    def plan(self, *more: str, masquerade: tuple[Network, ...] | None = None) -> Command:
        """Return the command that shows what this wish comes to with more options, or with other ranges."""
        ranges = self.masquerade if masquerade is None else masquerade
        words = [word for item in ranges for word in ("--masquerade", str(item))]
        return command("runbook", "plan", "ip-masq-agent", *words, *self.options, *more)
