"""The pages that the server writes itself: an error in words, and how to trust this computer's authority."""

import base64
import hashlib
from html import escape

STYLE = """
:root { color-scheme: light dark; font: 1.0625rem/1.55 system-ui, sans-serif; }
html { background: #f4f2ee; color: #16201d; }
body { max-width: 38rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; overflow-wrap: anywhere; }
a { color: #0a6e50; display: inline-block; padding: .75rem 0; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2.25rem; }
li { margin: .5rem 0; }
code { font-size: .95em; }
.button { padding: .85rem 1.5rem; border-radius: 2rem; font-weight: 600;
  background: #0a6e50; color: #fff; text-decoration: none; }
a:focus-visible { outline: 3px solid currentColor; outline-offset: 3px; }
@media (prefers-color-scheme: dark) {
  html { background: #101417; color: #f1f4f3; }
  a { color: #5ee0b0; }
  .button { background: #5ee0b0; color: #06251a; }
}
"""

CERTIFICATE = "/ca/fastportrait-authority.crt"


def policy() -> str:
    """The Content-Security-Policy of these pages: nothing but their own style."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"


def page(title: str, body: str) -> bytes:
    """A whole document; `body` is HTML, `title` is text."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    ).encode()


def error(status: int, path: str) -> bytes:
    title, body = {
        404: (
            "There is no such page",
            f"<p>Nothing lies at <code>{escape(path)}</code>: misspelt, or of an older build.</p>",
        ),
        405: ("That can't be done here", "<p>This server only shows pages: it answers GET and HEAD.</p>"),
    }.get(status, ("That did not work", f"<p>The server answered with code {status}.</p>"))
    return page(title, f'{body}\n<p><a href="/">To the app</a></p>')


def no_authority() -> bytes:
    return page(
        "Nothing to install",
        "<p>Here the app is served to this computer only, which browsers trust without a certificate. "
        "<code>fastportrait app --lan</code> serves it to phones, and then this page helps them to trust "
        "it.</p>\n"
        '<p><a href="/">To the app</a></p>',
    )


def trust(until: str) -> bytes:
    """How to trust the authority, which holds `until` then.

    Its fingerprint is not shown here: who could exchange the certificate could exchange that, too.
    """
    return page(
        "Let this phone trust your computer",
        f"""
<p>The camera needs an encrypted page, and your computer vouches for its own. Your browser does not know your
computer yet, so it warned you. <strong>Without this step</strong> the app and the camera work after that
warning, but the app can't be kept for offline use.</p>
<p><a class="button" href="{CERTIFICATE}">Get the certificate</a></p>
<p>Before you trust it, compare: the phone shows a SHA-256 fingerprint among the certificate's details, and so
does the terminal where <code>fastportrait app --lan</code> runs. If they differ, somebody is between you and
your computer: remove the certificate.</p>

<h2>iPhone and iPad</h2>
<ol>
<li>In Safari, tap <em>Get the certificate</em> above and allow the download of the profile.</li>
<li>Open <em>Settings</em>, then <em>Profile Downloaded</em> (or <em>General</em>,
<em>VPN &amp; Device Management</em>), look at <em>More Details</em>, and tap <em>Install</em>.</li>
<li>Open <em>Settings</em>, <em>General</em>, <em>About</em>, <em>Certificate Trust Settings</em>, and switch
<em>fastportrait</em> on. Without this, the profile alone changes nothing.</li>
<li>Close the app's tab and open it again.</li>
</ol>

<h2>Android</h2>
<ol>
<li>In Chrome, tap <em>Get the certificate</em> above: it is saved under <em>Downloads</em>.</li>
<li>Open <em>Settings</em> and search for <em>CA certificate</em> (mostly under <em>Security</em>,
<em>Encryption &amp; credentials</em>, <em>Install a certificate</em>).</li>
<li>Choose <em>CA certificate</em>, <em>Install anyway</em>, and the file. Android asks for the screen lock,
and later says that the network may be monitored: it says so for every certificate that is not its own.</li>
<li>Close the app's tab and open it again. Firefox keeps certificates of its own and goes on warning.</li>
</ol>

<h2>What you allow with it</h2>
<p>The certificate may vouch only for addresses of private networks and names that end in <code>.local</code>,
never for a site of the internet: that is written into it. Its key was made on your computer and stays there.
It holds until {escape(until)}.</p>
<p>To take it back: on an iPhone remove the profile under <em>VPN &amp; Device Management</em>; on Android
remove it under <em>User credentials</em>, beside <em>Install a certificate</em>.</p>
<p><a href="/">To the app</a></p>
""",
    )
