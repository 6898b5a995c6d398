"""What the OpenAPI document can't say in its own words."""

from urllib.parse import unquote

import schemathesis
from hypothesis import strategies as st

# Every address of this form is taken; RFC 5322 knows others that no mail server takes.
atom = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}", fullmatch=True)
user = st.lists(atom, min_size=1, max_size=3).map(".".join)
label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
domain = st.lists(label, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
schemathesis.openapi.format("email", st.builds("{}@{}".format, user, domain))


@schemathesis.hook
def before_call(context, case, kwargs):
    """An id inside a record that is put must be the one of its address."""
    if case.method.upper() == "PUT" and isinstance(case.body, dict):
        if isinstance(case.body.get("id"), str):
            # It is written for an address there.
            case.body["id"] = unquote(case.path_parameters.get("id", case.body["id"]))
