"""Labels of two videos: where the face of each person is, in keyframes between which it moves along a straight line.

Each was looked at by eye: who it is, and where no detector sees the face also its box; the other boxes are those of
MTCNN, none of which was kept that shows no face. Names are what a person looks like, but for the one of whom the test
photos show more.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visavis.evaluate.data.video_truth import FaceBox, Presence

Keyframes = Mapping[int, FaceBox]

REACH = 2
"""Frames before the first and behind the last keyframe, within the shot, for which a face is on too."""


@dataclass(frozen=True)
class Labels:
    """Keyframes of each person; ``shots`` are the first frames of each shot, and the number of frames."""

    file: str
    rate: float
    shots: Sequence[int]
    people: Mapping[str, Keyframes]
    gap: int
    start: float = 0.0
    """Seconds of the first frame by its time stamp: the sound may begin earlier."""

    def presences(self) -> tuple[Presence, ...]:
        """A row a frame for each face; keyframes more than ``gap`` frames apart have nothing between them."""
        return tuple(
            Presence(
                person,
                self.start + max(frame - 0.4, 0) / self.rate,
                self.start + (frame + 0.4) / self.rate,
                box,
            )
            for person, keys in self.people.items()
            for run in self._runs(keys)
            for frame, box in _between(run)
        )

    def _runs(self, keys: Keyframes) -> Iterator[dict[int, FaceBox]]:
        run: dict[int, FaceBox] = {}
        for frame in sorted(keys):
            if run and (frame - max(run) > self.gap or self._shot(frame) != self._shot(max(run))):
                yield self._extended(run)
                run = {}
            run[frame] = keys[frame]
        yield self._extended(run)

    def _shot(self, frame: int) -> int:
        return bisect(self.shots, frame)

    def _extended(self, run: dict[int, FaceBox]) -> dict[int, FaceBox]:
        first, last = min(run), max(run)
        shot = self._shot(first)
        before, after = max(first - REACH, self.shots[shot - 1]), min(last + REACH, self.shots[shot] - 1)
        return {before: run[first], **run, after: run[last]}


def _between(run: dict[int, FaceBox]) -> Iterator[tuple[int, FaceBox]]:
    frames = sorted(run)
    boxes = np.array([run[frame] for frame in frames], float)
    for frame in range(frames[0], frames[-1] + 1):
        x1, y1, x2, y2 = (float(np.interp(frame, frames, boxes[:, side])) for side in range(4))
        yield frame, (x1, y1, x2, y2)


HAMILTON = Labels(
    "hamilton_360p.mp4",
    30000 / 1001,
    (0, 20, 82, 211, 275),
    {
        "singer": {
            0: (523, 45, 565, 102),
            6: (527, 46, 567, 100),
            12: (523, 47, 562, 100),
            18: (520, 50, 559, 103),
            84: (141, 56, 217, 163),
            90: (161, 60, 240, 170),
            96: (186, 67, 263, 171),
            102: (211, 77, 286, 183),
            108: (221, 70, 295, 175),
            114: (221, 82, 298, 199),
            120: (207, 34, 287, 149),
            126: (200, 29, 278, 138),
            132: (184, 17, 258, 126),
            138: (166, 37, 244, 145),
            144: (174, 15, 256, 128),
            150: (209, 26, 292, 137),
            156: (245, 32, 329, 148),
            162: (241, 26, 327, 144),
            168: (217, 41, 305, 159),
            174: (206, 61, 292, 176),
            180: (202, 35, 283, 145),
            186: (212, 18, 295, 133),
            192: (232, 21, 317, 143),
            198: (258, 35, 344, 158),
            204: (270, 22, 355, 147),
            210: (277, 28, 362, 155),
        },
        "pianist": {
            0: (56, 184, 82, 220),
            6: (53, 184, 78, 220),
            12: (51, 185, 76, 219),
            18: (51, 181, 76, 216),
            24: (370, 11, 570, 327),
            30: (291, 75, 473, 363),
            36: (296, 110, 470, 360),
            42: (345, 111, 520, 360),
        },
        "neighbor": {
            216: (39, 64, 100, 140),
            222: (42, 64, 105, 142),
            228: (47, 63, 109, 141),
            234: (47, 59, 111, 140),
            240: (45, 54, 112, 139),
            246: (41, 58, 104, 139),
            252: (38, 63, 100, 141),
            258: (33, 66, 96, 146),
            264: (36, 67, 97, 144),
            270: (41, 67, 102, 143),
        },
        "wife": {
            216: (380, 78, 448, 185),
            222: (378, 78, 447, 185),
            228: (380, 79, 447, 186),
            234: (380, 79, 450, 189),
            240: (383, 79, 452, 188),
            246: (388, 82, 457, 190),
            252: (388, 81, 457, 189),
            258: (387, 80, 457, 190),
            264: (387, 80, 456, 189),
            270: (390, 80, 458, 187),
        },
        "Obama": {
            216: (313, 28, 390, 146),
            222: (312, 29, 389, 146),
            228: (312, 30, 390, 147),
            234: (314, 31, 391, 149),
            240: (316, 29, 395, 150),
            246: (318, 30, 396, 148),
            252: (321, 30, 400, 151),
            258: (321, 31, 399, 149),
            264: (321, 31, 399, 149),
            270: (319, 32, 400, 151),
        },
        "mother": {
            216: (162, 81, 222, 171),
            222: (162, 81, 220, 171),
            228: (160, 79, 223, 173),
            234: (163, 83, 222, 174),
            240: (164, 82, 223, 174),
            246: (167, 84, 227, 174),
            252: (170, 84, 230, 175),
            258: (169, 84, 230, 176),
            264: (168, 82, 232, 180),
            270: (169, 84, 230, 177),
        },
    },
    gap=6,
    start=0.8441,
)
"""A singer, a pianist from two sides, and four people of the audience, of whom one has photos in the test data."""

PEDESTRIANS = Labels(
    "facenet_pytorch_1080p.mp4",
    25,
    (0, 105),
    {
        "boy in hoodie": {
            0: (912, 631, 976, 718),
            5: (910, 630, 975, 720),
            10: (932, 640, 998, 729),
            15: (969, 663, 1036, 754),
            20: (985, 653, 1053, 741),
            25: (982, 694, 1049, 785),
            30: (977, 684, 1047, 776),
            35: (989, 699, 1061, 795),
            40: (1007, 718, 1080, 813),
            45: (987, 692, 1063, 791),
            50: (948, 713, 1024, 814),
            55: (919, 671, 999, 777),
            60: (913, 684, 995, 795),
            65: (908, 667, 992, 779),
            70: (880, 651, 963, 766),
            75: (839, 668, 922, 784),
            80: (806, 644, 893, 763),
            85: (792, 686, 880, 807),
            90: (781, 647, 874, 776),
            95: (759, 658, 851, 783),
            100: (739, 670, 833, 797),
        },
        "woman with scarf": {
            0: (283, 705, 381, 841),
            5: (453, 713, 550, 849),
            10: (646, 744, 742, 879),
            15: (827, 721, 921, 861),
            20: (1008, 772, 1101, 907),
            25: (1215, 767, 1309, 903),
            30: (1401, 762, 1495, 905),
        },
        "red jacket": {
            0: (867, 620, 904, 669),
            5: (878, 633, 915, 682),
            10: (901, 646, 937, 693),
            15: (916, 650, 955, 701),
            20: (923, 658, 962, 712),
            25: (927, 674, 965, 725),
            30: (933, 686, 966, 735),
            95: (900, 676, 940, 729),
            100: (913, 679, 955, 731),
        },
        "red-haired boy": {
            0: (672, 555, 739, 637),
            5: (701, 574, 770, 658),
            10: (725, 571, 793, 652),
            15: (723, 590, 790, 669),
            20: (682, 597, 754, 687),
            25: (646, 580, 716, 671),
            30: (630, 587, 703, 676),
            35: (625, 638, 696, 724),
            40: (617, 628, 689, 713),
            45: (595, 618, 669, 705),
            50: (565, 641, 640, 729),
            55: (535, 618, 610, 708),
            60: (526, 612, 603, 704),
            65: (524, 637, 604, 729),
            70: (517, 605, 600, 701),
            75: (501, 624, 582, 716),
            80: (447, 625, 534, 727),
            85: (439, 565, 535, 685),
            90: (448, 589, 534, 700),
            95: (434, 602, 523, 711),
            100: (390, 560, 500, 690),
        },
        "gray-haired man": {
            0: (1081, 608, 1122, 667),
            5: (1084, 615, 1127, 675),
            10: (1093, 631, 1137, 692),
            15: (1101, 632, 1144, 693),
            20: (1098, 639, 1141, 699),
            25: (1085, 655, 1129, 716),
            50: (1081, 657, 1128, 722),
            55: (1081, 661, 1129, 727),
            60: (1074, 670, 1122, 737),
            65: (1067, 667, 1116, 729),
            70: (1074, 659, 1121, 723),
            75: (1087, 666, 1135, 728),
            80: (1112, 664, 1159, 727),
            85: (1120, 651, 1173, 724),
            90: (1132, 659, 1193, 737),
            95: (1119, 667, 1165, 733),
            100: (1115, 662, 1163, 730),
        },
        "white-haired woman": {
            0: (276, 618, 340, 695),
            5: (286, 633, 340, 698),
            10: (290, 664, 342, 732),
            15: (290, 662, 344, 731),
            20: (285, 681, 339, 754),
            25: (272, 674, 330, 750),
            30: (259, 664, 321, 746),
            35: (248, 686, 311, 770),
            40: (235, 668, 298, 753),
            45: (226, 685, 289, 769),
            50: (208, 673, 273, 760),
            55: (201, 657, 268, 746),
            60: (203, 675, 271, 766),
            65: (199, 658, 265, 748),
            70: (200, 670, 266, 762),
            75: (187, 663, 257, 756),
            80: (191, 649, 263, 743),
            85: (205, 677, 277, 774),
            90: (215, 661, 288, 756),
        },
        "passer-by": {
            0: (1444, 501, 1533, 625),
            5: (1600, 515, 1660, 635),
        },
        "far woman": {
            5: (1327, 660, 1350, 689),
            10: (1333, 667, 1354, 697),
            15: (1340, 677, 1366, 711),
            20: (1352, 690, 1379, 724),
            25: (1369, 698, 1393, 729),
            35: (1375, 705, 1401, 739),
            50: (1370, 713, 1398, 748),
            65: (1360, 710, 1388, 746),
            85: (1347, 705, 1376, 741),
            100: (1338, 708, 1365, 741),
        },
        "leather jacket": {
            45: (1120, 690, 1175, 760),
            50: (1129, 692, 1182, 759),
            55: (1127, 702, 1180, 767),
            60: (1124, 695, 1177, 760),
            65: (1133, 689, 1187, 756),
            70: (1154, 696, 1208, 763),
            75: (1172, 680, 1227, 748),
            80: (1173, 686, 1229, 755),
            85: (1160, 690, 1215, 758),
            90: (1155, 677, 1211, 747),
            95: (1162, 690, 1218, 760),
            100: (1176, 685, 1233, 756),
        },
    },
    gap=15,
)
"""Nine people of a street: six come nearer, two pass in front of them, and three stay far away."""
