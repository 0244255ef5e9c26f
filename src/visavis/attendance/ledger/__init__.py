"""The ledger: records that are added and never changed, in a chain that shows what was changed behind its back."""
