/**
 * Everything the page says, in Chinese.
 */
import type { Text } from './en.ts';
import type { Format } from './format.ts';

const KINDS = 'JPEG、PNG、WebP、GIF 或 AVIF';

export const zh: Text = {
  shell: {
    title: '照片里有什么？',
    lead: '一个小型 Vision Transformer 就在您的浏览器里看这张照片。照片不会离开这个标签页。',
    choose: '选择照片',
    folder: '文件夹',
    camera: '摄像头',
    screen: '屏幕',
    paste: '粘贴',
    dropHint: '也可以拖到页面任意位置，或直接粘贴',
    samples: '或者试试这些',
    code: '代码',
    modelCard: '模型说明',
    settings: '设置',
    models: '模型库',
    share: '分享此页面',
    licences: '许可证',
    private: '照片不会离开这个标签页。',
    modelRegion: '模型',
    answerRegion: '答案',
    intakeRegion: '可以试试的照片',
    stripRegion: '照片',
    askRegion: '提问内容',
    kitten: '玩毛线球的小猫',
    dog: '德国牧羊犬',
    owl: '树枝上的猫头鹰',
    jet: '喷气式飞机',
    fireEngine: '消防车',
    cup: '一杯咖啡',
    letGo: '松开鼠标',
    credits:
      '照片：Loliloli、Hans Kemperman、Lepale、U.S. Air Force/Ben Bloker（公有领域）、Aaron M. Lang（CC BY 2.5，已抠图）、Rachel Michetti（CC0）。',
  },

  measures: (labels, f) => `它用数值回答：${labelList(labels, f)}。`,
  knows: (labels, f) => `它认识 ${f.number(labels.length)} 种事物：${labelList(labels, f)}。`,

  knowsNothing: '它没有自己的标签：请用词语提问，或教它认识您的东西。',

  model: {
    starting: '正在准备',
    manifest: '正在打开模型',
    weights: '正在下载模型',
    compile: '正在编译着色器',
    ready: '已就绪',
    retry: '重试',
    answer: '回答',
    back: '使用此页面自带的模型',
    technical: '技术细节',
    onCpu: '已就绪，在 CPU 上运行',
    onSoftware: (name) => `已就绪，在软件 GPU（${name}）上运行`,
    onGpu: (name) => `已就绪，通过 WebGPU 在您的 GPU（${name}）上运行`,
    unnamed: '未命名',
    whyCpu: (reason) => `结果相同，只是比 GPU 慢。${reason}`,
    chosenCpu: '您选择了 CPU：结果相同，只是比 GPU 慢。',
    withWasm: (threads) => `WebAssembly，${threads} 个线程。`,
    withoutWasm: '没有 WebAssembly（浏览器或服务器不允许）：大约慢 20 倍。',
    whySoftware: '由 CPU 代替显卡运行：结果相同，只是更慢。',
    size: (name, weights, bytes) => `${name}：${weights}个权重，${bytes}。`,
    lost: 'GPU 停止了工作，正在重新启动',
    movedToCpu: 'GPU 停止了工作，之后由 CPU 继续：结果相同，只是更慢。',
    recovered: 'GPU 已恢复工作。',
    of: (loaded, total) => `${loaded} / ${total}`,
  },

  stage: {
    waiting: '等待中',
    waitingForModel: '等待模型',
    noModel: '没有模型',
    noModelNote: '这张照片会保留，模型就绪后就会得到结果。原因见上方。',
    working: '正在看',
    notSure: '不确定',
    notSureNote: '它可能不是这个模型认识的任何事物。',
    seen: '已看过',
    seenNote: '这个模型没有标签：请用词语提问，或教它认识您的东西。',
    torn: (a, b) => `${a} 还是 ${b}？`,
    tornNote: '模型无法在这两者之间决定。',
    allKnown: '它认识的全部',
    search: '搜索',
    best: '最可能的标签',
    view: '显示',
    photo: '照片',
    sees: '模型所见',
    attention: '注意力',
    similar: '相似处',
    seesNote: (width, height, rows, columns) =>
      `${width} × ${height} 像素，分成 ${rows} × ${columns} 个图块：模型得到的就是这些像素。`,
    attentionNote: '亮处是答案的依据，暗处被忽略了。',
    similarNote: '亮处在模型看来与标出的图块相同。指向另一个图块，或按方向键。',
    patchAt: (row, column, rows, columns) => `图块 ${row}, ${column}，共 ${rows} × ${columns}：用方向键选择另一个`,
    noAttention: '这个模型没有类别标记，无法显示注意力。',
    failedLook: '无法计算',
    layer: '层',
    allLayers: '全部（rollout）',
    head: '注意力头',
    allHeads: '全部平均',
    remove: '移除',
    retry: '再试一次',
    times: (decode, preprocess, run) => [`解码 ${decode}`, `预处理 ${preprocess}`, `运行 ${run}`],
    empty: '您的照片会显示在这里',
  },

  ask: {
    legend: '提问内容',
    labels: '它认识的',
    things: '您自己的东西',
    words: '您的词语',
    shown: (name, ranking) => `${name}：${ranking.join('，')}`,
    notSureNote: '它可能不是其中任何一个。',
  },

  things: {
    lead: '两个或更多的盒子，每个放几张照片：之后模型就能在这里的每张照片中区分这些东西。一切都留在这个标签页里。',
    box: (number) => `东西 ${number}`,
    name: (number) => `东西 ${number} 的名称`,
    empty: '把照片拖到这里',
    add: '添加照片',
    addTo: (name) => `向“${name}”添加照片`,
    addShown: '添加上方的照片',
    addShownTo: (name) => `把上方的照片添加到“${name}”`,
    count: (photos, f) => `${f.number(photos)} 张照片`,
    takeOut: (name) => `取出 ${name}`,
    fromFile: '文件中的照片',
    removeBox: (name) => `移除“${name}”`,
    another: '再加一个',
    few: '还没有学到什么：请至少在两个盒子里放入照片。',
    twice: (name) => `有两个盒子都叫“${name}”：请取不同的名称。`,
    learning: '正在学习',
    unmeasured: '已学会。盒子里有两张或更多照片时，还会测量区分得有多好。',
    accuracy: (right, total, f) =>
      `已学会。每张照片轮流留出，由其余照片来判断：${f.number(total)} 张中 ${f.number(right)} 张正确（${f.percent(right / total)}）。`,
    save: '保存为文件',
    load: '打开文件',
    badFile: '此文件无法使用：必须是在这里用同一个模型保存的文件。',
  },

  words: {
    label: '词语，每行一个，或用逗号分隔',
    example: 'cat, dog, cup of coffee',
    template: '词语所在的句子',
    templateHint: '{} 是词语的位置。',
    none: '输入两个或更多词语：这里的每张照片都会显示哪个最符合。',
    one: '只有一个词语时它总是符合：请再给一个来比较。',
    noPlace: '句子中需要用 {} 标出词语的位置。',
    asking: '正在读这些词语',
    loading: (loaded, total) => `正在下载读懂词语的部分：${loaded} / ${total}`,
    asked: (words, f) => `已用 ${f.number(words)} 个词语提问。`,
    failed: '无法用这些词语提问。',
    needs: '这个模型只认识自己的标签。能懂任意词语的是用图片和说明文字训练的模型：CLIP 和 SigLIP。',
    how: '它来自 Hugging Face Hub，下载后会保留；您的照片不会离开此设备。也可以用地址或文件打开别的模型：',
    noTokenizer: '这个模型能读词语，但缺少分词器：请把 tokenizer.json 放在检查点旁边，重新转换。',
  },

  strip: {
    summary: (photos, sure, unsure, failed, f) =>
      `${f.number(photos)} 张照片：${f.number(sure)} 张确定，${f.number(unsure)} 张不确定${failed > 0 ? `，${f.number(failed)} 张失败` : ''}`,
    progress: (done, total, left, f) => `${f.number(done)} / ${f.number(total)}${left ? `，大约还需 ${left}` : ''}`,
    stop: '停止',
    stopped: (left, f) => `已停止：${f.number(left)} 张照片没有看。`,
    show: '显示',
    all: '全部',
    sure: '确定',
    unsure: '不确定',
    failed: '失败',
    order: '排序',
    newest: '最新',
    name: '名称',
    label: '标签',
    score: '得分',
    csv: 'CSV',
    json: 'JSON',
    copy: '复制',
    clear: '清空',
    copied: '结果已作为表格复制到剪贴板。',
    notCopied: '浏览器不允许此页面写入剪贴板。',
    none: '没有这样的照片。',
    refused: (files, f) => `${f.number(files)} 个文件未采用`,
    more: '更多',
  },

  said: {
    answer: (name, ranking) => `${name}：${ranking}。`,
    unsure: (name, ranking) => `${name}：不确定。猜测：${ranking}。`,
    failed: (title, sentence) => `${title}。${sentence}`,
  },

  nothing: {
    pasted: '剪贴板上没有图片。请先复制一张照片，再粘贴。',
    pasteRefused: '浏览器不允许此页面读取剪贴板。请改按 Ctrl V 或 ⌘ V。',
    dropped: '您拖入的内容里没有图片。',
    folder: (name) => `“${name}”里没有照片。`,
    notLoaded: '页面的这一部分没有加载成功。请检查网络，或重新加载页面。',
    close: '关闭',
  },

  problems: {
    emptyFile: (name) => ({
      title: '空文件',
      sentence: `“${name}”里什么都没有（0 字节）。请选择照片本身，或重新保存。`,
    }),
    notAnImage: (name) => ({ title: '不是图片', sentence: `“${name}”不是图片。请提供照片：${KINDS}。` }),
    drawing: (name) => ({
      title: '矢量图',
      sentence: `“${name}”是 SVG 矢量图，没有像素。请另存为 PNG 再拖入。`,
    }),
    unreachable: (host) => ({
      title: '没有取到照片',
      sentence: `${host || '该页面'} 不允许其他页面读取这张照片，或者无法访问。请先保存照片，再拖入文件。`,
    }),
    sampleUnreachable: () => ({ title: '没有取到照片', sentence: '无法下载这张示例照片。请检查网络后再试一次。' }),
    notFound: (host, status) => ({
      title: '没有取到照片',
      sentence: `${host} 没有给出这张照片（HTTP ${status}）。请先保存照片，再拖入文件。`,
    }),
    foreignKind: (name, kind) => ({
      title: `${kind} 照片`,
      sentence: `“${name}”是 ${kind} 文件，此浏览器无法打开。请另存为 JPEG 或 PNG 再拖入。`,
    }),
    unreadable: (name) => ({
      title: '无法读取',
      sentence: `“${name}”已损坏或不完整，或者此浏览器打不开这种格式。请提供照片：${KINDS}。`,
    }),
    tooLarge: (name) => ({ title: '太大', sentence: `“${name}”需要的内存超出可用范围。请试试较小的版本。` }),
    noAnswer: (name, error) => ({ title: '没有结果', sentence: `处理“${name}”时出错（${error}）。请再试一次。` }),
    noVideo: (name) => ({
      title: '无法播放',
      sentence: `“${name}”已损坏、没有画面，或者此浏览器不能播放这种格式。请另存为 MP4 或 WebM。`,
    }),
    oneVideo: (name) => ({ title: '一次一个视频', sentence: `“${name}”未采用。请单独拖入它。` }),
    noScreen: (error) => ({
      title: '没有屏幕',
      sentence: `没有共享任何内容（${error}）。请选择屏幕、窗口或标签页；系统可能也需要允许。`,
    }),
    noCamera: (error) => ({
      title: '没有摄像头',
      sentence: `无法打开摄像头（${error}）。请在浏览器设置中允许，或关闭其他正在使用它的程序。`,
    }),
  },

  modelProblems: {
    network: { title: '模型没有下载成功', sentence: '无法下载模型文件。请检查网络，然后重试。' },
    'bad-shard': { title: '模型文件已损坏', sentence: '权重文件与应有的不符，因此没有运行。重试会重新下载。' },
    'bad-manifest': { title: '这不是模型', sentence: '这个地址没有指向此页面能读取的模型。请检查地址。' },
    'bad-address': { title: '这不是地址', sentence: '所给的模型地址无法识别。请更正或删除。' },
    'bad-input': { title: '内容互相矛盾', sentence: '所给内容互相矛盾，或与检查点不符：详见技术细节。' },
    'no-labels': { title: '无法对比', sentence: '这个模型没有自己的标签。请单独加载它，再用词语或您的东西提问。' },
    questions: { title: '检查点没有说明一切', sentence: '运行之前，需要先回答几个问题。' },
    'unsupported-model': { title: '不支持这种模型', sentence: '这是一个模型，但此页面不会运行它。' },
    'no-webgpu': { title: '这里没有 WebGPU', sentence: '您要求只用 WebGPU，而此浏览器没有。请在设置中选择其他后端。' },
    'out-of-memory': { title: '内存不足', sentence: '模型放不下。请关闭其他标签页，然后重试。' },
    'device-lost': { title: 'GPU 停止了工作', sentence: '浏览器无法重新启动 GPU。请重试，或重新加载页面。' },
    shader: { title: 'GPU 拒绝了程序', sentence: '驱动程序没有接受着色器。请更新显卡驱动或浏览器，然后重试。' },
    numeric: { title: 'GPU 计算错误', sentence: '得到的结果不是数字。请更新显卡驱动，然后重试。' },
    other: { title: '模型无法启动', sentence: '发生了意外错误。请重试，或重新加载页面。' },
  },

  questions: {
    title: '此检查点没有说明的内容',
    note: '训练它的人知道答案：请查看其代码或说明。错误的回答会得到错误的结果。',
    choices: (choices) => `例如：${choices.join('、')}。`,
    unreadable: '无法识别这个回答。',
    convert: '继续',
  },

  settings: {
    title: '设置',
    close: '关闭',
    language: '语言',
    runsOn: '运行于',
    auto: '自动选择最佳',
    webgpu: '仅 WebGPU',
    cpu: '仅 CPU',
    labels: '显示的标签数',
    address: '模型地址',
    addressHint:
      'model.json 的地址，或 Hugging Face Hub 上的模型 hf:owner/name（在此转换）。留空则使用此页面自带的模型。',
    load: '加载',
    openFiles: '打开模型文件',
    kept: '已保存，供下次使用',
    keptModel: (name, bytes) => `${name}，${bytes}`,
    nothingKept: '此浏览器中没有保存模型。',
    forgetOne: '删除',
    forgetModel: (name) => `删除 ${name}`,
    forget: '全部删除',
    check: '检查并测速这台设备',
    start: '开始',
    checking: '正在测量',
    checked: (passed, error) => (passed ? `计算正确（最大误差 ${error}）。` : `计算有误：最大误差 ${error}。`),
    measured: (ms) => `每张照片用时 ${ms}。`,
    copyReport: '复制报告',
    reportCopied: '报告已复制到剪贴板。',
  },

  offer: {
    sentence: (name, licence) =>
      `不是这十种事物？${name} 认识一千种（Hugging Face Hub，${licence}）。您的照片不会离开此设备。`,
    decline: '不用了',
  },

  compare: {
    compare: '对比',
    with: (name) => `与 ${name} 对比`,
    stop: '停止对比',
    second: '第二个模型',
    ready: (name) => `${name} 也会回答。`,
  },

  share: {
    copied: '地址已复制到剪贴板：包含模型和设置，不含照片。',
  },

  catalogue: {
    embedded: '此页面自带的小模型',
    title: '其他模型',
    note: '来自 Hugging Face Hub，选择后下载并保存。您的照片不会离开此设备。',
    load: (name, bytes) => `加载 ${name}（${bytes}）`,
    knows: {
      ten: '认识十种事物。',
      thousand: '认识 ImageNet 的一千种事物。',
      things: '没有自带标签，用于您自己的事物。',
      words: '认识任意词语。',
    },
  },

  code: {
    title: '在您自己的页面中使用',
    copy: '复制',
    copied: '代码已复制到剪贴板。',
  },

  camera: {
    pause: '暂停',
    resume: '继续',
    stop: '停止',
    flip: '切换摄像头',
    keep: '保留这个画面',
    rate: (rate) => `每秒 ${rate} 幅画面`,
    picture: (number) => `画面 ${number}`,
  },
};

/** 标签很多时只列出前几个，并说明还有多少。 */
function labelList(labels: string[], f: Format, most = 12): string {
  const rest = labels.length - most;
  return rest > 1 ? `${labels.slice(0, most).join('、')}等` : f.list(labels);
}
