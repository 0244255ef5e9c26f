"""Greedy suppression of boxes, group by group, at the speed of compiled code (OpenCV's)."""

from __future__ import annotations

import cv2
import numpy as np
import torch


def batched_nms(boxes, scores, idxs, iou_threshold):
    """Return which boxes ``(n, 4)`` stay, best score first; only boxes of one group (``idxs``) compete.

    A box goes when its IoU with a better one that stays is over ``iou_threshold``; sides are x2 - x1, without
    a further pixel.
    """
    if len(boxes) == 0:
        return torch.empty(0, dtype=torch.int64)
    sides = boxes.detach().numpy().astype(np.float64)
    sides[:, 2:] -= sides[:, :2]
    values, groups = scores.detach().numpy(), idxs.detach().numpy()
    kept = np.concatenate([_nms(sides, values, np.flatnonzero(groups == g), iou_threshold) for g in np.unique(groups)])
    return torch.from_numpy(kept[np.argsort(-values[kept], kind="stable")])


def _nms(sides, values, members, iou_threshold):
    kept = cv2.dnn.NMSBoxes(sides[members], values[members], 0.0, iou_threshold)
    return members[np.asarray(kept, np.int64).reshape(-1)]
