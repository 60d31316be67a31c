"""Letters that pass for others: homoglyphs, invisible marks, leet."""

import unicodedata

from gateway.verbs import HARMS

# Each Latin letter, then those of other alphabets that pass for it; one not here condemns its name.
_PASSES_FOR = [
    "aаαɑᴀɐɒ",
    "bьβƀɓʙ",
    "cсςϲᴄ",
    "dԁđɖɗᴅδ",
    "eеεєɛəǝᴇɘҽ",
    "fƒꜰ",
    "gɡɢġց",
    "hһнħʜɦ",
    "iіιıɩɪɨⅰ",
    "jјɉᴊϳ",
    "kкκƙᴋ",
    "lӏłɫɭʟǀⅼℓ",
    "mмᴍ",
    "nпηɴɲŋո",
    "oоοσøᴏɵօ",
    "pрρƥᴘ",
    "qԛզ",
    "rгɾʀɹ",
    "sѕꜱʂ",
    "tтτŧƭᴛț",
    "uυμʉᴜսц",
    "vνѵᴠ",
    "wԝωᴡѡ",
    "xхχ",
    "yуγүʏ",
    "zζƶᴢ",
    "AАΑ",
    "BВΒ",
    "CСϹ",
    "EЕΕ",
    "HНΗ",
    "IІΙӀ",
    "JЈ",
    "KКΚ",
    "MМΜ",
    "NΝ",
    "OОΟØ",
    "PРΡ",
    "SЅ",
    "TТΤ",
    "XХΧ",
    "YУΥҮ",
    "ZΖ",
    "DĐÐ",
    "LŁ",
    "QԚ",
    "WԜ",
    "VѴ",
]


def _lookalikes() -> dict[int, str]:
    """Map letters of other alphabets, and boxed ones, to the ASCII letter they look like."""
    table: dict[int, str] = {}
    for letters in _PASSES_FOR:
        table |= {ord(letter): letters[0] for letter in letters[1:]}
    for start in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6):
        table |= {start + i: chr(97 + i) for i in range(26)}
    table |= {ord(a): "-" for a in "‐‑‒–—―−⁃·•・‧∙⋅→⇒"}
    for plain, foreign in {"'": "‘’′", '"': "“”″", "ss": "ß", "ae": "æ", "oe": "œ"}.items():
        table |= {ord(letter): plain for letter in foreign}
    table |= dict.fromkeys((8260, 8725, 10744), "/")
    return table


LOOKALIKES = _lookalikes()
IGNORED = {0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0, 0x1D159, 0x17B4, 0x17B5}
LEET = str.maketrans("013456789@$!|+", "oieasbtbgasiit")
# In disguise i and l are one letter, and two letters can pass for one.
ONE_STROKE = {harm.replace("l", "i"): harm for harm in sorted(HARMS)}
TWO_STROKES = (("vv", "w"), ("rn", "m"), ("cl", "d"))


class _Fold(dict[int, str]):
    """Fold each letter to the one it imitates, and drop what cannot be seen."""

    def __missing__(self, code: int) -> str:
        kind = unicodedata.category(chr(code))
        hidden = kind[0] == "M" or kind == "Cf" or code in IGNORED
        self[code] = "" if hidden else " " if kind[0] == "Z" else chr(code)
        return self[code]


_FOLD = _Fold(LOOKALIKES)


def fold(text: str) -> str:
    """Normalise to plain letters, keeping case."""
    return text if text.isascii() else unicodedata.normalize("NFKD", text).translate(_FOLD)
