"""The picture in the body of a request: the body itself, or the first file of a form (RFC 7578)."""

import re


def picture(body: bytes, content_type: str) -> bytes:
    """Raises ValueError, with what to send, where there is none."""
    kind, _, _ = content_type.partition(";")
    if kind.strip().lower() != "multipart/form-data":
        if not body:
            raise ValueError("the body is empty; send a picture: curl --data-binary @me.jpg URL")
        return body
    boundary = re.search(r';\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type, re.IGNORECASE)
    if boundary is None:
        raise ValueError("this form has no boundary in its Content-Type")
    mark = b"--" + (boundary[1] or boundary[2]).encode("latin-1")
    parts = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise ValueError("this form is cut off: its last boundary is missing")
    for part in parts[1:-1]:
        head, found, data = part.partition(b"\r\n\r\n")
        if found and re.search(
            rb"^content-disposition:[^\r\n]*;\s*filename\*?=", head, re.IGNORECASE | re.MULTILINE
        ):
            if not data:
                raise ValueError("the file in this form is empty")
            return data
    raise ValueError("this form holds no file; send one: curl -F picture=@me.jpg URL")
