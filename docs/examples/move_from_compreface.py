"""Copy all faces from a CompreFace server: python move_from_compreface.py THEIR_URL THEIR_KEY OUR_URL OUR_KEY."""

import sys

import requests

their_url, their_key, our_url, our_key = sys.argv[1:]
theirs, ours = requests.Session(), requests.Session()
theirs.headers["x-api-key"], ours.headers["x-api-key"] = their_key, our_key
path = "/api/v1/recognition/faces"

faces: list[dict[str, str]] = []
page, pages = 0, 1
while page < pages:
    answer = theirs.get(their_url + path, params={"page": page, "size": 100}).json()
    faces += answer["faces"]
    page, pages = page + 1, answer["total_pages"]

copied = 0
for face in faces:
    picture = theirs.get(f"{their_url}{path}/{face['image_id']}/img").content
    stored = ours.post(our_url + path, params={"subject": face["subject"]}, files={"file": picture})
    copied += stored.ok
    if not stored.ok:
        print(f"{face['subject']}, image {face['image_id']}: {stored.json()['message']}")
print(f"{copied} of {len(faces)} faces copied")
