// A short tone: high for a punch, low for none.

let context = null;

export function playSound(isGood) {
  try {
    context ??= new AudioContext();
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = isGood ? 880 : 220;
    volume.gain.setValueAtTime(0.2, context.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.2);
    tone.connect(volume).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + 0.2);
  } catch {
    context = null; // no sound on this machine: everything is shown too
  }
}
