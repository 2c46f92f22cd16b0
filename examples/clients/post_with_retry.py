"""The client of an e-invoicing API's documentation, as its customers have copied it: POST, and try again.

Waits 30 s for an answer, tries 5 times, retries network errors, 5xx and 429, and takes every other 4xx as final. All tries carry
one UUID: as X-Request-Id, and in later versions of that documentation also as Idempotency-Key. Behind Oncegate with
examples/rules/efakturuj.yaml it makes one invoice.

    python3 post_with_retry.py URL INVOICE.json API-KEY [--request-id-only]
"""

import http.client
import json
import random
import sys
import time
import urllib.error
import urllib.request
import uuid

TIMEOUT = 30
TRIES = 5


def post_with_retry(url, invoice, api_key, request_id_only=False):
    """The status and the document of the first answer that is final. Raises after the last try."""
    request_id = str(uuid.uuid4())
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {api_key}",
        "X-Request-Id": request_id,
    }
    if not request_id_only:
        headers["Idempotency-Key"] = request_id
    body = json.dumps(invoice).encode()
    for attempt in range(TRIES):
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 429 and error.code < 500:
                return error.code, json.load(error)
            trouble = error
        except (OSError, http.client.HTTPException) as error:
            trouble = error
        print(f"try {attempt + 1}: {trouble}", file=sys.stderr)
        if attempt + 1 < TRIES:
            time.sleep(0.5 * 2**attempt * random.uniform(0.75, 1.25))
    raise trouble


if __name__ == "__main__":
    address, file, key, *options = sys.argv[1:]
    with open(file, encoding="utf-8") as opened:
        status, document = post_with_retry(address, json.load(opened), key, "--request-id-only" in options)
    print(json.dumps({"status": status, "document": document}))
