"""Resources: addressable things with the state we want."""
