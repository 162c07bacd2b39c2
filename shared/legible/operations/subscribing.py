"""How an operation is subscribed to, and what whoever does so needs: data of the user guide's chapters 2 and 10."""

from __future__ import annotations

import re

from legible.operations import catalog
from legible.operations.operation import Operation

#: System policies (user guide, table 10-1): the first subscribes and calls, the second calls only.
FULL, READ_ONLY = "OCR FullAccess", "OCR ReadOnlyAccess"
#: For whom it is subscribed to so that all users may call it, agencies among them (user guide 10.3).
EVERYONE = "*(Everyone)"
#: What a custom policy can permit of an operation (user guide, table 10-2), and what each is for.
VERBS = {
    "subscribe": "to subscribe to it for oneself",
    "unsubscribe": "to end one's own subscription",
    "getSubscribeUserList": "to see who is subscribed",
    "subscribeAllUsers": f"to subscribe to it for others, and for {EVERYONE}",
    "unsubscribeAllUsers": "to end the subscriptions of others",
}
_ACTION = re.compile(r"ocr:([A-Za-z0-9_-]+|\*):([A-Za-z]+)", re.IGNORECASE)


def action(operation: Operation, verb: str) -> str:
    """Return the IAM action of an operation; empty where no page names it."""
    return f"ocr:{operation.iam}:{verb}" if operation.iam else ""


def steps(operation: Operation, region: str) -> tuple[str, ...]:
    """Return what is to be done, sentence by sentence, so that an operation may be called in a region."""
    own, all_users = action(operation, "subscribe"), action(operation, "subscribeAllUsers")
    needed = f"{FULL}, or a custom policy with {own}" if own else f"{FULL} (no page names an action of this API)"
    for_all = f"the account's own user can, or a user with {all_users or FULL}"
    return (
        f"In the OCR console choose the region {region}: a subscription counts in that region only.",
        f"Find {operation.title} and choose Subscribe. That takes {needed} in the project {region}, and counts for "
        "the user who does it.",
        f"For the functions' agency choose Subscription Management there, and {EVERYONE}: {for_all}.",
    )


def advice(operation: Operation, region: str) -> str:
    """Return the same in two sentences, for an error."""
    needed = " or ".join(filter(None, (FULL, action(operation, "subscribe"))))
    return (
        f"Subscribe to {operation.title} ({operation.slug}) in the OCR console of the region {region}, for "
        f"{EVERYONE} or for the user that calls; that takes {needed}. `legible subscriptions` says more."
    )


def explained(text: str) -> tuple[str, ...]:
    """Explain what the console says when a right is missing: ``ocr:webImage:subscribe permission required``.

    Args:
        text: What was shown, as a whole or in part; an operation's slug will do.

    Returns:
        Sentences: which operation it is, which policy or role helps, who can do without; empty where the text names
        nothing of OCR.
    """
    found = _ACTION.search(text)
    if found is None:
        slug = next((slug for slug in sorted(catalog.slugs(), key=len, reverse=True) if slug in text.lower()), "")
        return _helped(catalog.find(slug), "subscribe") if slug else _refused(text)
    service, verb = found[1], next((one for one in VERBS if one.lower() == found[2].lower()), "")
    if not verb:
        return (f"{found[0]} is no action that the user guide lists: {', '.join(VERBS)} are.",)
    operation = _named(service)
    if operation is None:
        return (
            f"{found[0]} is needed {VERBS[verb]}; which operation {service} is, no page says.",
            f"{FULL} has it. A custom policy of OCR can give it alone: {_policy(found[0])}",
        )
    return _helped(operation, verb)


def _helped(operation: Operation, verb: str) -> tuple[str, ...]:
    needed = action(operation, verb)
    policies = f"A custom policy can give it alone: {_policy(needed)} " if needed else ""
    read = f"{READ_ONLY} has it, too" if verb == "getSubscribeUserList" else f"{READ_ONLY} has it not: it only calls"
    others = (
        f"Or ask the account's own user, who can subscribe to it for you or for {EVERYONE} (Subscription Management)."
        if verb in ("subscribe", "subscribeAllUsers")
        else "Or ask the account's own user to do it."
    )
    return (
        f"{needed or 'This right'} is needed {VERBS[verb]}: {operation.title} ({operation.slug}).",
        f"The system policy {FULL} has it, given to the user's group for the project of the region; {read}.",
        f"{policies}{others}",
        "A subscription counts in its region only: it must be the one that calls go to.",
    )


def _refused(text: str) -> tuple[str, ...]:
    """Explain the codes by which a call is refused for want of a right."""
    if "ModelArts.4204" in text:
        return (
            "Nobody has subscribed to this API for the user that calls, in this region.",
            f"Subscribe in the OCR console of the region that calls go to, for {EVERYONE} or for that user: that takes "
            f"{FULL}, or ocr:<service>:subscribe of the API.",
        )
    if "ModelArts.4203" in text:
        return (
            f"The user or agency that calls may not call OCR here: give it {READ_ONLY} in the region's project.",
            "No custom policy can: of OCR, those permit subscriptions only. A new right takes some minutes to act.",
        )
    return ()


def _named(service: str) -> Operation | None:
    """Return the operation that IAM calls so, however it is written; None where no page says."""
    wanted = _plain(service)
    operations = (catalog.find(slug) for slug in catalog.slugs())
    return next((one for one in operations if wanted in (_plain(one.iam or ""), _plain(one.slug))), None)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _policy(needed: str) -> str:
    return f'{{"Version": "1.1", "Statement": [{{"Effect": "Allow", "Action": ["{needed}"]}}]}}.'
