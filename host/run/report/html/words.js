'use strict';
// Everything that the page says, in both languages: a text, or a function of what stands in it.
const WORDS = {
  en: {
    title: 'Forecast report', percent: v => v + '%', list: ', ', colon: ': ',
    sections: {worth: 'What it is worth', series: 'Forecasts', errors: 'Errors', intervals: 'Intervals', spread: 'Across series',
      training: 'Training', data: 'Data', settings: 'Settings and versions'},
    meta: (series, windows, horizon, frequency) =>
      `${series} series, ${windows} forecast${windows === '1' ? '' : 's'} of ${horizon} step${horizon === 1 ? '' : 's'}, frequency ${frequency}`,
    cutoffs: dates => `Forecast from what was known on ${dates}.`,
    early: (n, all, first) => `Of the last, ${n} of ${all} series end${n === '1' ? 's' : ''} earlier and ${n === '1' ? 'is' : 'are'} forecast from there, from ${first} on.`,
    better: name => `less error than the best simple method, ${name}`,
    worse: name => `more error than the best simple method, ${name}. As it is, that one is the better choice.`,
    same: name => `difference in error from the best simple method, ${name}`,
    ofMeans: (shown, name) => `${shown > 0 ? 'less' : shown < 0 ? 'more' : 'difference in'} error (RMSSE) ${shown === 0 ? 'from' : 'than'} the best simple method, ${name}. The points are means, which have the least squared errors.`,
    absolute: (skill, name) => `By absolute errors, which are smallest for medians: ${skill} beside ${name}; the method sluice-median has the medians. So are the comparisons that follow.`,
    noNaive: 'No simple method has a forecast to compare with.',
    perfect: name => `The simple method ${name} makes no error at all here, and this model does. That one is the better choice.`,
    bothPerfect: name => `Neither this model nor the simple method ${name} makes any error here.`,
    mixed: n => `The errors of its ${n} targets are added up, each in its own unit, so the largest numbers decide: see each target under Errors.`,
    inSeries: (better, all, worse, pairs) => `Better in ${better} of ${all} ${pairs ? 'pairs of series and target' : 'series'}, worse in ${worse}.`,
    allSteps: 'It is better at every step of the horizon.',
    noStep: 'It is better at no step of the horizon.',
    someSteps: (n, all, worse) => `It is better at ${n} of ${all} steps; not at step ${worse}.`,
    extremes: (what, best, bestSkill, worst, worstSkill) => `Skill ${what}: highest ${best} (${bestSkill}), lowest ${worst} (${worstSkill}).`,
    onWeekday: 'by weekday', inGroup: name => `by ${name}`, ofLargest: n => `, of the ${n} largest`,
    inside: (got, asked, verdict) => `${got} of the values lie in the ${asked} interval: ${verdict}.`,
    fits: 'close to what was asked', few: 'in so few values no clear difference from what was asked', narrow: 'the interval is too narrow',
    broad: 'the interval is too wide', ties: 'more than was asked, as is usual where many values are equal',
    over: v => `On the whole it forecasts ${v} too much.`, under: v => `On the whole it forecasts ${v} too little.`,
    even: v => `Too much and too little cancel out (bias ${v}).`,
    zeros: v => `${v} of the values are 0. Absolute errors are then smallest for a forecast near 0: look at bias, RMSSE and the intervals too.`,
    leftOut: (n, most) => `${n} series could not be scored${most ? ': ' + most : ''}.`,
    method: 'method', own: 'this model', skill: 'skill', skillNote: name => `Skill: how much smaller the absolute error (MAE) is than that of ${name}; 0% is equal, below 0 is worse.`,
    mae: 'MAE', rmse: 'RMSE', wape: 'WAPE', bias: 'bias', mase: 'MASE', rmsse: 'RMSSE', wrmsse: 'WRMSSE', smape: 'sMAPE', wql: 'wQL',
    scoresNote: 'MAE and RMSE are in the units of the data. WAPE: the sum of errors as a share of the sum of values. Bias: above 0 is too much. MASE: below 1 beats seasonal naive inside of the history.',
    best: 'Best', median: 'Median', worst: 'Worst', search: 'Search by id', choose: 'Series', noMatch: 'no series like that is shown here',
    sampled: (shown, all, pairs) => `${shown} of ${all} ${pairs ? 'pairs of series and target' : 'series'} are in this file, evenly chosen by their error, the ten best and worst among them. path.scores has the scores of all; evaluate.show adds series by id.`,
    allShown: (n, pairs) => n === '1' ? 'It is the only series.' : `All ${n} ${pairs ? 'pairs of series and target' : 'series'} are in this file.`,
    place: (place, all, metric) => `place ${place} of ${all} by ${metric}`, noPlace: 'without a place: its error is not defined',
    actual: 'actual', forecast: 'forecast', interval: level => `${level}% interval`,
    whyTitle: 'What moved the last forecast', whyBaseline: 'a plain series (baseline)', whyRest: 'rest',
    whyNote: from => `Sums over the horizon that begins ${from}, in the units of the data. The baseline is what the model forecasts of a plain series: flat at this one's level, with every input as usual. Each bar is what an input as it was adds to that or takes away. It says what the model used, not what causes what.`,
    whyOthers: 'What moved a forecast is shown of the best, the median and the worst series and of those in evaluate.show; path.explanation of sluice forecast has it of all.',
    parts: text => text, calendar: 'calendar', cycles: {time_of_day: 'time of day', hour_of_day: 'hour of day', weekday: 'weekday', day_of_year: 'day of year',
      week_of_year: 'week of year', month_of_year: 'month of year', quarter_of_year: 'quarter of year'},
    whyOwn: {'simple methods': 'simple methods', 'adding up': 'adding up'},
    zoomTouch: 'Tap on the chart to read values; zoom and move with the buttons.',
    zoomHelp: 'Drag across to zoom, double-click to go back. With the keyboard: ← → read values, + − zoom, Shift and ← → move, 0 goes back.',
    zoomIn: 'zoom in', zoomOut: 'zoom out', zoomReset: 'whole', moveLeft: 'move left', moveRight: 'move right', chartOf: what => `Chart: ${what}`,
    byLevel: 'By level of the sums', sums: 'sums', levelsMean: 'mean of the levels',
    levelsNote: 'Scores of the series and of the sums named in data.groups, level by level; their mean counts each level alike. WRMSSE: RMSSE inside a level weighted by what was sold in the 28 days before the forecasts, as in the M5 competition.',
    byStep: 'By step of the horizon', step: 'step', byWeekday: 'By weekday', byGroup: 'By group', group: 'group', series: 'series', day: 'day',
    days: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
    noWeekday: 'Steps of this frequency have no weekday.', noGroups: 'There are no groups: name static columns in data.static_categories, or several id columns, and they stand here.',
    moreGroups: n => `${n} more columns are not shown.`, target: 'target', unknown: 'unknown',
    rest: n => `${n} others`, naive: 'simple', points: 'values',
    asked: 'asked', got: 'got', difference: 'difference, points', level: 'interval', scores: 'Scores', below: 'At or below each quantile', tiesNote: 'Where many values are equal (zeros), more of them lie at or below a quantile than asked.', quantile: 'quantile',
    noIntervals: 'No intervals were asked for (forecast.levels).', insideByStep: 'Share of values inside, by step', askedFor: v => `${v} asked`,
    spreadNote: 'How the series differ: a share of them is at or below each value.', share: 'share of series', fewest: 'lowest', most: 'highest',
    trainLoss: 'training loss', validLoss: 'validation loss', trainingStep: 'training step',
    noTraining: log => `No epochs of a training are in ${log || 'the log'}; a training writes them where mode.log_file is on.`,
    trainingNote: log => `The training as ${log} has it. Losses are in the scale that the model learns in.`, finalFit: 'final fit', seed: n => `seed ${n}`,
    otherModel: (written, own) => `That training wrote ${written}; this report is of ${own}.`,
    facts: {source: 'source', layout: 'layout', frequency: 'frequency', series: 'series', span: 'from, to', length: 'steps of a series (shortest, median, longest)',
      missing: 'values missing', zeros: 'zeros', negatives: 'below 0', constant: 'constant series', empty: 'series without a value', gaps: 'steps without a row',
      duplicates: 'repeated rows', ended: 'series that ended long before the others', future: 'values known ahead', statics: 'static values', scored: 'series scored'},
    of: (a, b) => `${a} of ${b}`, inSeriesOf: (a, n) => `${a}, in ${n} series`, none: 'none',
    leftOutTitle: 'Left out', reason: 'reason', count: 'series', id: 'id', shownFirst: (n, all) => `the first ${n} of ${all}; path.report has them all`,
    units: {s: 'seconds', min: 'minutes', h: 'hours', D: 'days', B: 'business days', W: 'weeks', M: 'months', Q: 'quarters', Y: 'years'},
    reasons: [], remarks: 'Remarks on the data', remarksNote: '', noRemarks: 'Nothing about the data needs a remark.', moreRemarks: n => `and ${n} more: sluice check`,
    model: 'Model', times: (train, forecast) => [train && `trained in ${train} s`, `forecast in ${forecast} s`].filter(Boolean).join(', '), methodTimes: list => `Simple methods, seconds of a processor: ${list}`, settingsTitle: 'All settings', versionsTitle: 'Versions', licence: 'Licence of the charting library (dygraphs)',
    offline: 'This file needs no network and sends nothing.',
  },
  zh: {
    title: '预测报告', percent: v => v + '%', list: '、', colon: '：',
    sections: {worth: '预测的价值', series: '各序列预测', errors: '误差', intervals: '区间', spread: '序列之间', training: '训练', data: '数据', settings: '设置与版本'},
    meta: (series, windows, horizon, frequency) => `${series} 个序列，${windows} 次预测，每次 ${horizon} 步，频率 ${frequency}`,
    cutoffs: dates => `预测起点（已知数据截至）：${dates}。`,
    early: (n, all, first) => `最后一个起点的 ${all} 个序列中有 ${n} 个结束得更早，从各自的末尾预测（最早 ${first}）。`,
    better: name => `误差低于最好的简单方法（${name}）`,
    worse: name => `误差高于最好的简单方法（${name}）。目前用该简单方法更好。`,
    same: name => `：误差与最好的简单方法（${name}）基本相同`,
    ofMeans: (shown, name) => `${shown === 0 ? '：误差（RMSSE）与' : `误差（RMSSE）${shown > 0 ? '低于' : '高于'}`}最好的简单方法（${name}）${shown === 0 ? '基本相同' : ''}。点预测是均值，其平方误差最小。`,
    absolute: (skill, name) => `按绝对误差（中位数的绝对误差最小）相对于${name}的改进幅度：${skill}；sluice-median 一行是中位数。以下比较均按绝对误差。`,
    noNaive: '没有可供比较的简单方法预测。',
    perfect: name => `简单方法（${name}）在这里没有任何误差，而本模型有。用该简单方法更好。`,
    bothPerfect: name => `本模型与简单方法（${name}）在这里都没有任何误差。`,
    mixed: n => `${n} 个目标的误差按各自的单位直接相加，数值大的目标起决定作用；各目标的结果见“误差”。`,
    inSeries: (better, all, worse, pairs) => `${all} 个${pairs ? '序列与目标的组合' : '序列'}中，${better} 个优于该方法，${worse} 个不如它。`,
    allSteps: '在预测期的每一步都优于该方法。', noStep: '在预测期的任何一步都没有优于该方法。',
    someSteps: (n, all, worse) => `${all} 步中有 ${n} 步优于该方法，第 ${worse} 步没有。`,
    extremes: (what, best, bestSkill, worst, worstSkill) => `${what}的改进幅度：最高为${best}（${bestSkill}），最低为${worst}（${worstSkill}）。`,
    onWeekday: '按星期', inGroup: name => `按“${name}”`, ofLargest: n => `（最大的 ${n} 个中）`,
    inside: (got, asked, verdict) => `${asked} 区间包含了 ${got} 的真实值：${verdict}。`,
    fits: '接近要求', few: '数值较少，与要求没有明显差别', narrow: '区间过窄', broad: '区间过宽', ties: '高于要求，相同的值较多时常会如此',
    over: v => `总体上预测偏高 ${v}。`, under: v => `总体上预测偏低 ${v}。`, even: v => `偏高与偏低相互抵消（偏差 ${v}）。`,
    zeros: v => `${v} 的数值为 0。此时接近 0 的预测绝对误差最小，请同时参考偏差、RMSSE 与区间。`,
    leftOut: (n, most) => `${n} 个序列无法评分${most ? '：' + most : ''}。`,
    method: '方法', own: '本模型', skill: '改进幅度', skillNote: name => `改进幅度：绝对误差（MAE）比${name}小多少；0% 为相同，低于 0 为更差。`,
    mae: 'MAE', rmse: 'RMSE', wape: 'WAPE', bias: '偏差', mase: 'MASE', rmsse: 'RMSSE', wrmsse: 'WRMSSE', smape: 'sMAPE', wql: 'wQL',
    scoresNote: 'MAE 与 RMSE 用数据的单位。WAPE：误差之和占数值之和的比例。偏差：大于 0 为偏高。MASE：小于 1 优于历史内的季节性朴素法。',
    best: '最好', median: '居中', worst: '最差', search: '按编号搜索', choose: '序列', noMatch: '此文件中没有这样的序列',
    sampled: (shown, all, pairs) => `此文件含 ${all} 个${pairs ? '序列与目标的组合' : '序列'}中的 ${shown} 个，按误差均匀选取，包括最好与最差的各十个。全部得分见 path.scores；用 evaluate.show 可按编号加入序列。`,
    allShown: (n, pairs) => n === '1' ? '只有这一个序列。' : `此文件含全部 ${n} 个${pairs ? '序列与目标的组合' : '序列'}。`,
    place: (place, all, metric) => `按 ${metric} 排第 ${place}（共 ${all} 个）`, noPlace: '无名次：误差无定义',
    actual: '真实值', forecast: '预测值', interval: level => `${level}% 区间`,
    whyTitle: '最近一次预测的影响因素', whyBaseline: '平直序列（基准）', whyRest: '其余',
    whyNote: from => `对从 ${from} 开始的预测期求和，单位与数据相同。基准是模型对平直序列的预测：历史保持在本序列的水平，各输入取其通常值。每一条表示该输入的实际值使预测增加或减少多少。它说明模型用了什么，并不说明原因。`,
    whyOthers: '影响因素仅显示最好、居中、最差的序列以及 evaluate.show 中的序列；sluice forecast 的 path.explanation 含全部序列。',
    calendar: '日历', cycles: {time_of_day: '一天中的时刻', hour_of_day: '小时', weekday: '星期', day_of_year: '年内第几天',
      week_of_year: '年内第几周', month_of_year: '月份', quarter_of_year: '季度'},
    whyOwn: {'simple methods': '简单方法', 'adding up': '加总调整'},
    parts: text => ({'at step': '当步', around: '其他步', level: '水平', trend: '趋势'})[text] ?? text.replace(/^(.*) ago$/, '$1 步前'),
    zoomTouch: '点按图表读数；用按钮缩放和移动。',
    zoomHelp: '横向拖动放大，双击还原。键盘：← → 读数，+ − 缩放，Shift 加 ← → 移动，0 还原。',
    zoomIn: '放大', zoomOut: '缩小', zoomReset: '全部', moveLeft: '左移', moveRight: '右移', chartOf: what => `图：${what}`,
    byLevel: '按汇总层级', sums: '汇总', levelsMean: '各层级平均',
    levelsNote: '序列及 data.groups 所列汇总的逐级得分；平均值中每个层级权重相同。WRMSSE：层级内的 RMSSE 按预测前 28 天的销量加权，与 M5 竞赛相同。',
    byStep: '按预测步', step: '步', byWeekday: '按星期', byGroup: '按组', group: '组', series: '序列', day: '星期',
    days: ['星期一', '星期二', '星期三', '星期四', '星期五', '星期六', '星期日'],
    noWeekday: '此频率的步没有星期。', noGroups: '没有分组：在 data.static_categories 中指定静态列，或使用多个编号列，即在此显示。',
    moreGroups: n => `另有 ${n} 列未显示。`, target: '目标', unknown: '未知',
    rest: n => `其余 ${n} 个`, naive: '简单方法', points: '数值',
    asked: '要求', got: '实际', difference: '差（百分点）', level: '区间', scores: '得分', below: '不高于各分位数', tiesNote: '相同的值较多（例如零）时，不高于分位数的比例会大于要求。', quantile: '分位数',
    noIntervals: '未要求区间（forecast.levels）。', insideByStep: '区间内真实值的比例，按预测步', askedFor: v => `要求 ${v}`,
    spreadNote: '序列之间的差异：相应比例的序列不高于该值。', share: '序列比例', fewest: '最低', most: '最高',
    trainLoss: '训练损失', validLoss: '验证损失', trainingStep: '训练步',
    noTraining: log => `${log || '日志'} 中没有训练轮次；打开 mode.log_file 后训练会写入。`,
    trainingNote: log => `${log} 中记录的训练。损失用模型学习时的尺度。`, finalFit: '最终训练', seed: n => `种子 ${n}`,
    otherModel: (written, own) => `该次训练写入的是 ${written}，而本报告针对 ${own}。`,
    facts: {source: '来源', layout: '布局', frequency: '频率', series: '序列', span: '起止', length: '序列步数（最短、中位数、最长）',
      missing: '缺失值', zeros: '零值', negatives: '负值', constant: '恒定序列', empty: '没有数值的序列', gaps: '缺行的时间步',
      duplicates: '重复行', ended: '早已结束的序列', future: '未来已知值', statics: '静态特征', scored: '参与评分的序列'},
    of: (a, b) => `${a}（共 ${b}）`, inSeriesOf: (a, n) => `${a}，涉及 ${n} 个序列`, none: '无',
    leftOutTitle: '未评分的序列', reason: '原因', count: '序列数', id: '编号', shownFirst: (n, all) => `共 ${all} 个，显示前 ${n} 个；全部见 path.report`,
    units: {s: '秒', min: '分钟', h: '小时', D: '天', B: '工作日', W: '周', M: '月', Q: '季度', Y: '年'},
    reasons: [[/^no history$/, '没有历史数据'], [/^no history, and no series has values in the steps before$/, '没有历史数据，此前也没有任何序列有数值'],
      [/^(\S+) steps?, no more than the horizon$/, '只有 $1 步，不长于预测期'], [/^no value before (.+)$/, '$1 之前没有数值'],
      [/^ended (.+), (\S+) steps? before the others$/, '结束于 $1，比其他序列早 $2 步']],
    remarks: '关于数据的说明', remarksNote: '（程序的英文原文）', noRemarks: '数据无需说明。', moreRemarks: n => `还有 ${n} 条：sluice check`,
    model: '模型', times: (train, forecast) => [train && `训练 ${train} 秒`, `预测 ${forecast} 秒`].filter(Boolean).join('，'), methodTimes: list => `简单方法所用的处理器秒数：${list}`, settingsTitle: '全部设置', versionsTitle: '版本', licence: '图表库（dygraphs）的许可证',
    offline: '此文件不需要网络，也不发送任何内容。',
  },
};

const DATA = JSON.parse(document.getElementById('data').textContent);
const W = WORDS[DATA.language];

// "seasonal naive (7)" in the page's language.
function methodName(name) {
  if (name === 'sluice') return W.own;
  if (DATA.language !== 'zh') return name;
  return name.replace(/^seasonal naive/, '季节性朴素法').replace(/^last value$/, '最近值')
    .replace(/^mean of (\d+)$/, '最近 $1 步均值');
}

// "15min (minutes)": what its letters stand for.
function frequencyText(frequency) {
  const unit = (/^\d*(s|min|h|D|B|W|M|Q|Y)/.exec(frequency) || [])[1];
  return unit ? `${frequency} (${W.units[unit]})` : frequency;
}

// A reason of the program in the page's language, where that is known.
function reasonText(reason) {
  const known = W.reasons.find(([pattern]) => pattern.test(reason));
  return known ? reason.replace(known[0], known[1]) : reason;
}

const significant = new Intl.NumberFormat(DATA.language, {maximumSignificantDigits: 4});
const whole = new Intl.NumberFormat(DATA.language, {maximumFractionDigits: 0});
const tenth = new Intl.NumberFormat(DATA.language, {minimumFractionDigits: 1, maximumFractionDigits: 1});
const known = v => v !== null && v !== undefined && Number.isFinite(v);
const tiny = new Intl.NumberFormat(DATA.language, {maximumSignificantDigits: 2});
const power = (v, digits = 3) => v.toExponential(digits).replace(/\.?0*e/, 'e').replace('e+', 'e');
const far = v => v !== 0 && (Math.abs(v) < 1e-4 || Math.abs(v) >= 1e15);
// Of a table: four digits, but never fewer than the whole number has.
const num = v => !known(v) ? '–' : far(v) ? power(v) : (Math.abs(v) >= 1000 ? whole : significant).format(v);
const count = v => known(v) ? whole.format(v) : '–';
const pct = v => !known(v) ? '–'
  : W.percent(v === 0 || Math.abs(v) >= 0.0005 ? tenth.format(100 * v) : Math.abs(v) >= 1e-6 ? tiny.format(100 * v) : '<0.0001');
const signedPct = v => !known(v) ? '–' : (Math.round(1000 * v) > 0 ? '+' : '') + pct(Math.round(1000 * v) === 0 ? 0 : v);

// Text of numbers from `low` to `high`: digits enough to tell a thousandth of that range. short: for an axis, 14M for 14,000,000.
function numberText(low, high, short = false) {
  const most = Math.max(Math.abs(low), Math.abs(high)), place = v => Math.floor(Math.log10(v));
  const span = high > low ? high - low : most || 1, lead = Math.max(0, place(most || 1) - place(span));
  const decimals = Math.min(15, Math.max(0, 3 - place(span)));
  const plain = new Intl.NumberFormat(DATA.language, {maximumFractionDigits: decimals});
  const compact = new Intl.NumberFormat(DATA.language, {notation: 'compact', maximumSignificantDigits: Math.min(15, lead + 3)});
  return v => !known(v) ? '–' : v === 0 ? '0' : far(most) ? power(v, Math.min(15, lead + 3)) : (short && most >= 1e7 ? compact : plain).format(v);
}
const percentText = (low, high, short) => {
  const text = numberText(100 * low, 100 * high, short);
  return v => known(v) ? W.percent(text(100 * v)) : '–';
};
