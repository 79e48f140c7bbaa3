"""Types of parameters: each knows how it is typed and what is allowed. ``Annotated[Cidrs, "help"]`` is a whole option.

``X | None`` is one that may be left out, ``tuple[X, ...]`` one that may be given several times; `str` is any text, `bool` a flag.
"""

from __future__ import annotations

from typing import Annotated

from remediation.catalogue.parameters import Spelling
from remediation.model.arguments import account_email, count, namespace_name, object_name, pinned_image
from remediation.model.images import registry_host
from remediation.model.ranges import Network, destination

Cidr = Annotated[Network, Spelling("CIDR", destination)]
Cidrs = tuple[Cidr, ...]
Count = Annotated[int, Spelling("N", count)]
Email = Annotated[str, Spelling("EMAIL", account_email)]
Namespace = Annotated[str, Spelling("NAMESPACE", namespace_name)]
ObjectName = Annotated[str, Spelling("NAME", object_name)]
PinnedImage = Annotated[str, Spelling("IMAGE", pinned_image)]
RegistryHost = Annotated[str, Spelling("HOST", registry_host)]
