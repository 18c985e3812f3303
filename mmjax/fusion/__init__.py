"""All modalities to one: `(Modalities, *, train) -> Tokens`, one op a file; the contract test finds each by itself."""
