"""Count the people in a video: python count_people.py VIDEO [FACES.db]. Without a gallery each track counts as one."""

import sys

import visavis

gallery = f"sqlite:///{sys.argv[2]}" if len(sys.argv) > 2 else None
ended = [event for event in visavis.video(sys.argv[1], gallery=gallery) if event.event == "ended"]
names = {event.name for event in ended if event.name}
unknown = sum(event.name is None for event in ended)
print(f"{len(names)} known people: {', '.join(sorted(names)) or '-'}")
print(f"{unknown} tracks of unknown people")
