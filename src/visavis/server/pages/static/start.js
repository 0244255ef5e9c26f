// The first start: copy the key.

import "./camera_notice.js";
import { offerCopy } from "./copy_secret.js";

const copy = document.getElementById("copy");

if (copy) offerCopy(document.getElementById("key"), copy, document.getElementById("copied"));
