// Browsers withhold the camera from pages that are neither on HTTPS nor of this machine: say so, with the ways out.

const notice = document.getElementById("camera-notice");

export const hasCamera = window.isSecureContext && Boolean(navigator.mediaDevices);

if (notice && !window.isSecureContext) notice.hidden = false;

export function showCameraNotice() {
  notice.hidden = false;
  notice.tabIndex = -1;
  notice.focus();
}
