"""The English that replay has to know: the small words by which a sentence means what it means.

What the words of a procedure are about stands in its YAML; how English denies, asks, hedges and
takes back stands here.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


NEGATIVE = words(
    "not no never none nothing neither nor nobody unable non without hardly impossible"
)
AUX = words(
    "is are was were am will would can could shall should do does did has have had may might must"
    " be"
)
PRONOUNS = words("i we you they he she it there")
POINTING = words("it they them that those this these which")
FINITE = (
    AUX
    | PRONOUNS
    | words(
        "gets covers includes stays remains needs goes takes comes starts begins happens excludes"
        " keeps"
    )
)
# A clause begins at each of these.
BREAKS = words(
    "but because although whereas while if unless since so whether when once which until before"
    " after"
)
# Of these, the ones whose clause belongs to the statement or question before it.
LEANING = words("if unless when once which until before after")
SUBJECTS = (PRONOUNS - {"there"}) | words("the a an my your our this that these any")
ASKING = words("what why how who whose where when which whom")
OPENERS = words(
    "and so but ok okay well uh um er also now then please right alright sorry just yes"
)
TAGS = words("right ok okay yes yeah correct alright clear understood fine")
ASKED = words("ask asked asking check see know sure wonder wondering out confirm tell")
# "Are you aware that …", "may I mention …": a question in form only.
FRAMES = words(
    "know aware understand understood note noted mention remind clear realise realize remember mind"
)
REMINDERS = words("mention remind note")
HEDGES = words("might maybe perhaps possibly unsure doubt whether wonder wondering")
CONDITIONS = words("if unless whether")
# A clause of nothing but these says again, or takes back, what was said before it.
LIGHT = (
    AUX
    | POINTING
    | NEGATIVE
    | words(
        "i we you and but so sorry actually wait correction yes mean apologies however in your my"
        " case time today instead here unfortunately though well uh um for on occasion though"
        " too"
    )
)
CONTRASTS = words(
    "but however actually sorry wait correction mean except yet although instead apologies"
    " apologise apologize scratch mistake"
)
# With one of these near, the contrary of a notice is not certain to be meant.
UNCERTAIN = (
    HEDGES
    | CONDITIONS
    | words(
        "may could should would usually normally generally typically sometimes often until till yet"
        " only except when ask asks asked say says said saying tell told think thinks thought"
        " believe check sure want wants wish hope mistake wrong sorry correction scratch"
        " supposed try happen was were had"
    )
)
# Words after which what follows is another matter: "a refund during shipping".
DETACHING = words("during by until from via through depends before after takes")
IDIOMS = (
    "not only|just|merely|simply",
    "no problem*|worries|doubt|matter|exceptions|wonder",
    "not a|an|any problem|issue",
    "not worry|forget|hesitate|panic",
    "not to worry|mention",
    "not even",
    "why|if|or not",
    "whether or not",
    "no later|less|more than",
    "no need to worry",
    "not need to worry",
    "nothing to worry",
    "nothing stands|speaks|wrong",
)
"""Phrases, in the form of the YAML's terms, whose negation denies nothing."""
