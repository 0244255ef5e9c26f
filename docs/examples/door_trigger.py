"""Run a command, or call an address, for each person recognized: python door_trigger.py CAMERA FACES.db COMMAND|URL.

The command gets the person's name as its last argument, the address the event as JSON. A face can be a photo held into
the camera: do not open a door by this alone.
"""

import json
import shlex
import subprocess
import sys
import urllib.request

import visavis

camera, gallery, action = sys.argv[1:]
for event in visavis.video(camera, gallery=f"sqlite:///{gallery}"):
    if event.event != "recognized" or event.name is None:
        continue
    if action.startswith(("http://", "https://")):
        body = json.dumps(event.to_dict()).encode()
        request = urllib.request.Request(action, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()
    else:
        subprocess.run([*shlex.split(action), event.name], check=False)
