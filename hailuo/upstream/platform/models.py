"""Names of the platform's models, and the models that each key may use."""


def is_of(family: str, model: str) -> bool:
    """Return whether a model is of a family, which is the beginning of its names."""
    return model.lower().startswith(family.lower())
