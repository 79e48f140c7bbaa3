"""DPV2-05 and DPV2-06."""
