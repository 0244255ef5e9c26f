"""Whether two photos are of one person: python verify_two_photos.py A.jpg B.jpg."""

import sys

import visavis

answer = visavis.verify(sys.argv[1], sys.argv[2], far=1e-3)
print("same" if answer.same else "different")
print(f"distance {answer.distance:.3f}, threshold {answer.threshold:.3f}, probability {answer.probability:.3f}")
