/**
 * Everything the page says, in English. `zh.ts` says the same in Chinese; no other file holds a sentence.
 */
import type { Format } from './format.ts';

const KINDS = 'JPEG, PNG, WebP, GIF or AVIF';

const IN_WORDS = 'no one two three four five six seven eight nine ten eleven twelve'.split(' ');

export const en = {
  // What stands in index.html, by its `data-text`.
  shell: {
    title: 'What is in your photo?',
    lead: 'A small Vision Transformer looks at it right here in your browser. The photo never leaves this tab.',
    choose: 'Choose photos',
    folder: 'Folder',
    camera: 'Camera',
    screen: 'Screen',
    paste: 'Paste',
    dropHint: 'or drop them anywhere, or paste them',
    samples: 'Or try one of these',
    code: 'Code',
    modelCard: 'Model card',
    settings: 'Settings',
    models: 'Models',
    share: 'Share this page',
    licences: 'Licences',
    private: 'The photo never leaves this tab.',
    modelRegion: 'Model',
    answerRegion: 'Answer',
    intakeRegion: 'Photos to try',
    stripRegion: 'Photos',
    askRegion: 'What is asked',
    kitten: 'Kitten with a ball of wool',
    dog: 'German shepherd',
    owl: 'Owl on a branch',
    jet: 'Jet aircraft',
    fireEngine: 'Fire engine',
    cup: 'Cup of coffee',
    letGo: 'Let go',
    credits:
      'Photos: Loliloli, Hans Kemperman, Lepale, U.S. Air Force/Ben Bloker (public domain), Aaron M. Lang (CC BY 2.5, cut out), Rachel Michetti (CC0).',
  } as Record<string, string>,

  measures: (labels: string[], f: Format) => `It answers with numbers: ${labelList(labels, f)}.`,
  knows: (labels: string[], f: Format) => `It knows ${things(labels.length, f)}: ${labelList(labels, f)}.`,

  knowsNothing: 'It has no labels of its own: ask it with words, or teach it things of yours.',

  model: {
    starting: 'Getting ready',
    manifest: 'Opening the model',
    weights: 'Downloading the model',
    compile: 'Compiling the shaders',
    ready: 'Ready',
    retry: 'Try again',
    answer: 'Answer',
    back: 'Use the model of this page',
    technical: 'Technical details',
    onCpu: 'Ready, on the CPU',
    onSoftware: (name: string) => `Ready, on a software GPU (${name})`,
    onGpu: (name: string) => `Ready, on your GPU (${name}) through WebGPU`,
    unnamed: 'unnamed',
    whyCpu: (reason: string) => `Same answers, but slower than on a GPU. ${reason}`,
    chosenCpu: 'You chose the CPU: same answers, but slower than on a GPU.',
    withWasm: (threads: string) => `WebAssembly, ${threads === '1' ? 'one thread' : `${threads} threads`}.`,
    withoutWasm: 'Without WebAssembly, which this browser or server does not allow: about 20 times slower.',
    whySoftware: 'The CPU stands in for a graphics chip: same answers, but slower.',
    size: (name: string, weights: string, bytes: string) => `${name}: ${weights} weights, ${bytes}.`,
    lost: 'The GPU stopped working. Starting it again',
    movedToCpu: 'The GPU stopped working, so the CPU goes on from here: same answers, but slower.',
    recovered: 'The GPU works again.',
    of: (loaded: string, total: string) => `${loaded} of ${total}`,
  },

  stage: {
    waiting: 'Waiting',
    waitingForModel: 'Waiting for the model',
    noModel: 'No model',
    noModelNote: 'This photo is kept, and gets its answer when the model is here. See above what happened.',
    working: 'Looking',
    notSure: 'Not sure',
    notSureNote: 'It may be none of the things that this model knows.',
    seen: 'Seen',
    seenNote: 'This model has no labels: ask it with words, or teach it your things.',
    torn: (a: string, b: string) => `${a} or ${b}?`,
    tornNote: 'The model cannot decide between these two.',
    allKnown: 'All it knows',
    search: 'Search',
    best: 'Best labels',
    view: 'View',
    photo: 'Photo',
    sees: 'What it sees',
    attention: 'Attention',
    similar: 'Alike',
    seesNote: (width: number, height: number, rows: number, columns: number) =>
      `${width} × ${height} pixels in ${rows} × ${columns} patches: the exact pixels that the model is shown.`,
    attentionNote: 'Bright is what the answer is made from; what is dark was ignored.',
    similarNote:
      'Bright is what the model takes for the same as the marked patch. Point at another one, or press the arrow keys.',
    patchAt: (row: number, column: number, rows: number, columns: number) =>
      `Patch ${row}, ${column} of ${rows} × ${columns}: arrow keys choose another one`,
    noAttention: 'This model has no class token whose attention could be shown.',
    failedLook: 'This could not be computed',
    layer: 'Layer',
    allLayers: 'All (rollout)',
    head: 'Head',
    allHeads: 'Mean of all',
    remove: 'Remove',
    retry: 'Try once more',
    times: (decode: string, preprocess: string, run: string) => [
      `Decode ${decode}`,
      `Preprocess ${preprocess}`,
      `Run ${run}`,
    ],
    empty: 'Your photo comes here',
  },

  ask: {
    legend: 'What is asked',
    labels: 'What it knows',
    things: 'Your own things',
    words: 'Your words',
    shown: (name: string, ranking: string[]) => `${name}: ${ranking.join(', ')}`,
    notSureNote: 'It may be none of these.',
  },

  things: {
    lead: 'Two boxes or more, a few photos in each: from then on the model tells these things apart, in every photo here. All of it stays in this tab.',
    box: (number: number) => `Thing ${number}`,
    name: (number: number) => `Name of thing ${number}`,
    empty: 'Drop photos here',
    add: 'Add photos',
    addTo: (name: string) => `Add photos to ${name}`,
    addShown: 'Add the photo above',
    addShownTo: (name: string) => `Add the photo above to ${name}`,
    count: (photos: number, f: Format) => plural(photos, 'photo', f),
    takeOut: (name: string) => `Take ${name} out`,
    fromFile: 'a photo from the file',
    removeBox: (name: string) => `Remove ${name}`,
    another: 'Another thing',
    few: 'Nothing is learned yet: put photos into two boxes at least.',
    twice: (name: string) => `Two boxes are called “${name}”: give each a name of its own.`,
    learning: 'Learning',
    unmeasured: 'Learned. With two photos or more in a box it is measured, too, how well it is told apart.',
    accuracy: (right: number, total: number, f: Format) =>
      `Learned. Each photo left out once and named by the others: ${f.number(right)} of ${f.number(total)} right (${f.percent(right / total)}).`,
    save: 'Save as a file',
    load: 'Open a file',
    badFile: 'This file cannot be used here: it must be one that was saved here, of the same model.',
  },

  words: {
    label: 'Words, one per line or with commas between them',
    example: 'cat, dog, cup of coffee',
    template: 'Sentence around each word',
    templateHint: '{} is the place of the word.',
    none: 'Type two words or more: every photo here gets the one that fits.',
    one: 'One word alone always fits: give another one to compare it with.',
    noPlace: 'The sentence needs {} where the word goes.',
    asking: 'Reading the words',
    loading: (loaded: string, total: string) => `Downloading the part that reads words: ${loaded} of ${total}`,
    asked: (words: number, f: Format) => `${plural(words, 'word', f)} asked.`,
    failed: 'These words cannot be asked.',
    needs:
      'This model knows its own labels alone. Any words are known to models that were trained on pictures with their captions: CLIP and SigLIP.',
    how: 'It comes from the Hugging Face Hub and is kept; your photos stay here. Or give another one, by its address or as files:',
    noTokenizer:
      'This model reads words, but came without its tokenizer: convert it again, with its tokenizer.json beside the checkpoint.',
  },

  strip: {
    summary: (photos: number, sure: number, unsure: number, failed: number, f: Format) =>
      `${plural(photos, 'photo', f)}: ${f.number(sure)} sure, ${f.number(unsure)} not${failed > 0 ? `, ${f.number(failed)} failed` : ''}`,
    progress: (done: number, total: number, left: string, f: Format) =>
      `${f.number(done)} of ${f.number(total)}${left ? `, about ${left} left` : ''}`,
    stop: 'Stop',
    stopped: (left: number, f: Format) => `Stopped: ${plural(left, 'photo', f)} not looked at.`,
    show: 'Show',
    all: 'All',
    sure: 'Sure',
    unsure: 'Not sure',
    failed: 'Failed',
    order: 'Order',
    newest: 'Newest',
    name: 'Name',
    label: 'Label',
    score: 'Score',
    csv: 'CSV',
    json: 'JSON',
    copy: 'Copy',
    clear: 'Clear',
    copied: 'The answers are on the clipboard, as a table.',
    notCopied: 'The browser did not let this page write to the clipboard.',
    none: 'No photo is like that.',
    refused: (files: number, f: Format) => `${plural(files, 'file', f)} left out`,
    more: 'More',
  },

  said: {
    answer: (name: string, ranking: string) => `${name}: ${ranking}.`,
    unsure: (name: string, ranking: string) => `${name}: not sure. Guesses: ${ranking}.`,
    failed: (title: string, sentence: string) => `${title}. ${sentence}`,
  },

  nothing: {
    pasted: 'There is no image on the clipboard. Copy a photo first, then paste.',
    pasteRefused: 'The browser did not let this page read the clipboard. Press Ctrl V or ⌘ V instead.',
    dropped: 'There was no image in what you dropped.',
    folder: (name: string) => `There is no photo in “${name}”.`,
    notLoaded: 'This part of the page did not arrive. Check the connection, or reload the page.',
    close: 'Close',
  },

  problems: {
    emptyFile: (name: string) => ({
      title: 'An empty file',
      sentence: `“${name}” has nothing in it (0 bytes). Choose the photo itself, or save it again.`,
    }),
    notAnImage: (name: string) => ({
      title: 'Not an image',
      sentence: `“${name}” holds something else. Give a photo: ${KINDS}.`,
    }),
    drawing: (name: string) => ({
      title: 'A drawing',
      sentence: `“${name}” is an SVG drawing, which has no pixels. Save it as PNG, then drop that.`,
    }),
    unreachable: (host: string) => ({
      title: 'Photo not fetched',
      sentence: `${host || 'That page'} does not let other pages read this photo, or cannot be reached. Save the photo, then drop the file.`,
    }),
    sampleUnreachable: () => ({
      title: 'Photo not fetched',
      sentence: 'This sample could not be downloaded. Check the connection, then try once more.',
    }),
    notFound: (host: string, status: number) => ({
      title: 'Photo not fetched',
      sentence: `${host} did not hand the photo out (HTTP ${status}). Save it, then drop the file.`,
    }),
    foreignKind: (name: string, kind: string) => ({
      title: `${kind} photo`,
      sentence: `“${name}” is a ${kind} file, which this browser does not open. Save it as JPEG or PNG, then drop that.`,
    }),
    unreadable: (name: string) => ({
      title: 'Cannot be read',
      sentence: `“${name}” is damaged or cut off, or of a kind this browser does not open. Give a photo: ${KINDS}.`,
    }),
    tooLarge: (name: string) => ({
      title: 'Too large',
      sentence: `“${name}” needs more memory than there is. Try a smaller copy of it.`,
    }),
    noAnswer: (name: string, error: string) => ({
      title: 'No answer',
      sentence: `Something went wrong with “${name}” (${error}). Try it once more.`,
    }),
    noVideo: (name: string) => ({
      title: 'Cannot be played',
      sentence: `“${name}” is damaged, has no pictures, or is of a kind this browser does not play. Save it as MP4 or WebM.`,
    }),
    oneVideo: (name: string) => ({
      title: 'One video at a time',
      sentence: `“${name}” was left out. Drop it by itself.`,
    }),
    noScreen: (error: string) => ({
      title: 'No screen',
      sentence: `Nothing was shared (${error}). Choose a screen, a window or a tab; the system may have to allow it, too.`,
    }),
    noCamera: (error: string) => ({
      title: 'No camera',
      sentence: `The camera could not be opened (${error}). Allow it in the browser's settings, or close what else uses it.`,
    }),
  },

  /** By the code of the error. */
  modelProblems: {
    network: {
      title: 'The model did not arrive',
      sentence: 'Its files could not be downloaded. Check the connection, then try again.',
    },
    'bad-shard': {
      title: 'The model arrived damaged',
      sentence:
        'A weight file is not what it should be, so nothing was run with it. Trying again downloads it once more.',
    },
    'bad-manifest': {
      title: 'This is not a model',
      sentence: 'The address does not lead to a model this page can read. Check the address.',
    },
    'bad-address': {
      title: 'This is not an address',
      sentence: 'What was given as the address of a model cannot be read. Correct it, or leave it out.',
    },
    'bad-input': {
      title: 'This does not fit together',
      sentence: 'What was given contradicts itself, or the checkpoint: the technical details say what.',
    },
    'no-labels': {
      title: 'It cannot be compared',
      sentence: 'This model has no labels of its own. Load it alone, then ask it with words or things of yours.',
    },
    questions: {
      title: 'The checkpoint does not say everything',
      sentence: 'A few things about it have to be answered before it can run.',
    },
    'unsupported-model': {
      title: 'This model is of another kind',
      sentence: 'It is a model, but not one that this page knows how to run.',
    },
    'no-webgpu': {
      title: 'No WebGPU here',
      sentence: 'You asked for WebGPU alone, and this browser has none. Choose another backend in the settings.',
    },
    'out-of-memory': {
      title: 'Not enough memory',
      sentence: 'The model does not fit. Close other tabs, then try again.',
    },
    'device-lost': {
      title: 'The GPU stopped working',
      sentence: 'The browser lost it and could not start it again. Try again, or reload the page.',
    },
    shader: {
      title: 'The GPU refused the program',
      sentence: 'Its driver did not accept the shaders. Update the graphics driver or the browser, then try again.',
    },
    numeric: {
      title: 'The GPU miscalculated',
      sentence: 'What it computed are not numbers. Update the graphics driver, then try again.',
    },
    other: {
      title: 'The model could not be started',
      sentence: 'Something unforeseen went wrong. Try again, or reload the page.',
    },
  } as Record<string, { title: string; sentence: string }>,

  questions: {
    title: 'What nothing says of this checkpoint',
    note: 'Whoever trained it knows: look into its code, or its card. A wrong answer gives wrong results.',
    choices: (choices: readonly string[]) => `For example ${choices.join(', ')}.`,
    unreadable: 'This cannot be read as an answer.',
    convert: 'Go on',
  },

  settings: {
    title: 'Settings',
    close: 'Close',
    language: 'Language',
    runsOn: 'Runs on',
    auto: 'Whatever is best here',
    webgpu: 'WebGPU only',
    cpu: 'CPU only',
    labels: 'Labels shown',
    address: 'Model address',
    addressHint:
      'The address of a model.json, or hf:owner/name for a model of the Hugging Face Hub, converted here. Empty: the model that comes with this page.',
    load: 'Load',
    openFiles: 'Open model files',
    kept: 'Kept for the next visit',
    keptModel: (name: string, bytes: string) => `${name}, ${bytes}`,
    nothingKept: 'No model is kept in this browser.',
    forgetOne: 'Remove',
    forgetModel: (name: string) => `Remove ${name}`,
    forget: 'Remove all',
    check: 'Check and measure this machine',
    start: 'Start',
    checking: 'Measuring',
    checked: (passed: boolean, error: string) =>
      passed ? `Computes right (largest error ${error}).` : `Computes wrong: largest error ${error}.`,
    measured: (ms: string) => `One photo takes ${ms}.`,
    copyReport: 'Copy the report',
    reportCopied: 'The report is on the clipboard.',
  },

  offer: {
    sentence: (name: string, licence: string) =>
      `None of its ten things? ${name} knows a thousand (Hugging Face Hub, ${licence}). Your photos stay here.`,
    decline: 'No, thanks',
  },

  compare: {
    compare: 'Compare',
    with: (name: string) => `Compare with ${name}`,
    stop: 'Stop comparing',
    second: 'Second model',
    ready: (name: string) => `${name} answers, too.`,
  },

  share: {
    copied: 'The address is on the clipboard: the model and the settings, and no photo.',
  },

  catalogue: {
    embedded: 'the small model of this page',
    title: 'Other models',
    note: 'From the Hugging Face Hub, downloaded when you choose one, and kept. Your photos stay here.',
    load: (name: string, bytes: string) => `Load ${name} (${bytes})`,
    knows: {
      ten: 'Knows ten things.',
      thousand: 'Knows the thousand things of ImageNet.',
      things: 'Has no labels of its own: for your own things.',
      words: 'Knows any words.',
    },
  },

  code: {
    title: 'The same in your own page',
    copy: 'Copy',
    copied: 'The code is on the clipboard.',
  },

  camera: {
    pause: 'Pause',
    resume: 'Go on',
    stop: 'Stop',
    flip: 'Other camera',
    keep: 'Keep this picture',
    rate: (rate: string) => `${rate} pictures per second`,
    picture: (number: number) => `Picture ${number}`,
  },
};

export type Text = typeof en;

function things(number: number, f: Format): string {
  return `${IN_WORDS[number] ?? f.number(number)} ${number === 1 ? 'thing' : 'things'}`;
}

function plural(number: number, noun: string, f: Format): string {
  return `${f.number(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** Of many labels only the first, and how many more there are. */
function labelList(labels: string[], f: Format, most = 12): string {
  const rest = labels.length - most;
  return f.list(rest > 1 ? [...labels.slice(0, most), `${f.number(rest)} more`] : labels);
}
