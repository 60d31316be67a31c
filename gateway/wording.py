"""How a refusal reads: as sentences, whatever its parts were."""


def sentences(*parts: str) -> str:
    """Return parts as sentences, each said once; one that begins with a name keeps its spelling."""
    said: dict[str, None] = {}
    for part in parts:
        words = part.strip().rstrip(".")
        if words:
            is_word = words.split(maxsplit=1)[0].rstrip(",;:").isalpha()
            said[words[0].upper() + words[1:] if is_word else words] = None
    return "".join(f"{each}. " for each in said).rstrip()
