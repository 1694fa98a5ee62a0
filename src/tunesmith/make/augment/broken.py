"""Debris around a request: torn markup, a cut-off log line, a stray bracket. The answer stays what it was."""

from __future__ import annotations

from tunesmith.core.records import Record
from tunesmith.make.augment.method import Asked, Draw, Method, Unfit, asked, with_asked
from tunesmith.make.augment.protect import has_input

_BEFORE = (
    "</div></td>\n",
    "}}}, \n",
    '{"status": 200, "body": "\n',
    "Ã¢â‚¬Å“ ",
    "[object Object] undefined\n",
    ">>> >> >\n",
    "\\n\\t\\x00\n",
    "%PDF-1.4 %âãÏÓ\n",
    "Fwd: Re: Re: (no subject)\n\n",
)
_AFTER = (
    '\n{"id": 4411, "items": [{"sku": "A-1", "qty":',
    "\n<p>&nbsp;</p><br/><scr",
    '\nTraceback (most recent call last):\n  File "app.py", line 12, in',
    "\nSent from my",
    "\n" + "\ufffd" * 6,
    "\n))))]]]",
    "\n--\nThis message was cut off after 2",
    "\nasdkjh qwe;lk",
    "\n\n\n...\n....",
)


def broken(record: Asked, draw: Draw) -> Record | Unfit:
    """Return the record with debris before the last user message, behind it, or on both sides."""
    if has_input(record):
        return Unfit("debris would become part of the input")
    before, after = draw.rng.choice(_BEFORE), draw.rng.choice(_AFTER)
    side = draw.rng.randrange(3)
    text = asked(record)
    return with_asked(record, (before if side != 1 else "") + text + (after if side != 0 else ""))


BROKEN = Method(name="broken", answer="kept", scenario="adversarial", make=broken)
