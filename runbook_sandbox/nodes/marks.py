"""How objects of the sandbox say that something is wrong with them."""

# On a pod: the address that it needs to reach.
DESTINATION = "sandbox.runbook/destination"
# On a pod: it asks the metadata server for a token.
METADATA_CLIENT = "sandbox.runbook/metadata-client"
# On a node: how many of its addresses leaked.
LEAKED = "sandbox.runbook/leaked"
# On a node: the agent of Dataplane V2 does not start there.
BROKEN_DATAPLANE = "sandbox.runbook/broken-dataplane"
# On a pod of a real control plane: its simulated node has no address for it.
EXHAUSTED = "sandbox.runbook/ip-exhausted"
# By what scenarios call them.
MARKS = {
    "destination": DESTINATION,
    "leaked": LEAKED,
    "exhausted": EXHAUSTED,
    "metadata_client": METADATA_CLIENT,
    "broken_dataplane": BROKEN_DATAPLANE,
}
