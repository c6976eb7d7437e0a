'use strict';
// Everything that the page says, in both languages: a text, or a function of what stands in it.
const WORDS = {
  en: {
    title: 'Forecast report', percent: v => v + '%', list: ', ', colon: ': ',
    sections: {worth: 'What it is worth', series: 'Forecasts', errors: 'Errors', intervals: 'Intervals', spread: 'Across series',
      training: 'Training', data: 'Data', settings: 'Settings and versions'},
    meta: (series, windows, horizon, frequency) =>
      `${series} series, ${windows} forecasts of ${horizon} steps, frequency ${frequency}`,
    cutoffs: dates => `Forecast from what was known on ${dates}.`,
    better: name => `less error than the best simple method, ${name}`,
    worse: name => `more error than the best simple method, ${name}. As it is, that one is the better choice.`,
    same: name => `as much error as the best simple method, ${name}`,
    noNaive: 'No simple method has an error to compare with.',
    inSeries: (better, all, worse) => `Better in ${better} of ${all} series, worse in ${worse}.`,
    allSteps: 'It is better at every step of the horizon.',
    noStep: 'It is better at no step of the horizon.',
    someSteps: (n, all, worse) => `It is better at ${n} of ${all} steps; not at step ${worse}.`,
    extremes: (what, best, bestSkill, worst, worstSkill) => `${what}: most ahead at ${best} (${bestSkill}), least at ${worst} (${worstSkill}).`,
    inside: (got, asked, verdict) => `${got} of the values lie in the ${asked} interval: ${verdict}.`,
    fits: 'as asked for', narrow: 'the interval is too narrow', broad: 'the interval is too wide',
    over: v => `On the whole it forecasts ${v} too much.`, under: v => `On the whole it forecasts ${v} too little.`,
    even: v => `Too much and too little cancel out (bias ${v}).`,
    leftOut: (n, most) => `${n} series could not be scored${most ? ': ' + most : ''}.`,
    method: 'method', own: 'this model', skill: 'skill', skillNote: name => `Skill: how much smaller the error is than that of ${name}; 0% is equal, below 0 is worse.`,
    mae: 'MAE', rmse: 'RMSE', wape: 'WAPE', bias: 'bias', mase: 'MASE', rmsse: 'RMSSE', smape: 'sMAPE', wql: 'wQL',
    scoresNote: 'MAE and RMSE are in the units of the data. WAPE: the sum of errors as a share of the sum of values. Bias: above 0 is too much. MASE: below 1 beats seasonal naive inside of the history.',
    best: 'Best', median: 'Median', worst: 'Worst', search: 'Search by id', choose: 'Series', noMatch: 'no series like that is shown here',
    sampled: (shown, all) => `${shown} of ${all} series are in this file, evenly chosen by their error, the ten best and worst among them. path.scores has the scores of all.`,
    allShown: n => `All ${n} series are in this file.`,
    place: (place, all) => `place ${place} of ${all} by error`, noPlace: 'without a place: its error is not defined',
    actual: 'actual', forecast: 'forecast', interval: level => `${level}% interval`,
    zoomHelp: 'Drag across to zoom, double-click to go back. With the keyboard: ← → read values, + − zoom, Shift and ← → move, 0 goes back.',
    zoomIn: 'zoom in', zoomOut: 'zoom out', zoomReset: 'whole', chartOf: what => `Chart: ${what}`,
    byStep: 'By step of the horizon', step: 'step', byWeekday: 'By weekday', byGroup: 'By group', group: 'group', series: 'series', day: 'day',
    days: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
    noWeekday: 'Steps of this frequency have no weekday.', noGroups: 'There are no groups: name static columns in data.static_categories, or several id columns, and they stand here.',
    rest: n => `${n} others`, naive: 'simple', points: 'values',
    asked: 'asked', got: 'got', difference: 'difference', level: 'interval', scores: 'Scores', below: 'At or below each quantile', ties: 'Where many values are equal (zeros), more of them lie at or below a quantile than asked.', quantile: 'quantile',
    noIntervals: 'No intervals were asked for (forecast.levels).', insideByStep: 'Share of values inside, by step', askedFor: v => `${v} asked`,
    spreadNote: 'How the series differ: a share of them is at or below each value.', share: 'share of series', fewest: 'lowest', most: 'highest',
    trainLoss: 'training loss', validLoss: 'validation loss', trainingStep: 'training step',
    noTraining: log => `No epochs of a training are in ${log || 'the log'}; a training writes them where mode.log_file is on.`,
    trainingNote: log => `The last training in ${log}. Losses are in the scale that the model learns in.`, finalFit: 'final fit',
    facts: {source: 'source', layout: 'layout', frequency: 'frequency', series: 'series', span: 'from, to', length: 'steps of a series (shortest, median, longest)',
      missing: 'values missing', zeros: 'zeros', negatives: 'below 0', constant: 'constant series', empty: 'series without a value', gaps: 'steps without a row',
      duplicates: 'repeated rows', ended: 'series that ended before the others', future: 'values known ahead', statics: 'static values', scored: 'series scored'},
    of: (a, b) => `${a} of ${b}`, inSeriesOf: (a, n) => `${a}, in ${n} series`, none: 'none',
    leftOutTitle: 'Left out', reason: 'reason', count: 'series', id: 'id', shownFirst: (n, all) => `the first ${n} of ${all}; path.report has them all`,
    remarks: 'Remarks on the data', noRemarks: 'Nothing about the data needs a remark.', moreRemarks: n => `and ${n} more: sluice check`,
    model: 'Model', times: (train, forecast) => `Trained in ${train} s, forecast in ${forecast} s.`, settingsTitle: 'All settings', versionsTitle: 'Versions', licence: 'Licence of the charting library (dygraphs)',
    offline: 'This file needs no network and sends nothing.',
  },
  zh: {
    title: '预测报告', percent: v => v + '%', list: '、', colon: '：',
    sections: {worth: '预测的价值', series: '各序列预测', errors: '误差', intervals: '区间', spread: '序列之间', training: '训练', data: '数据', settings: '设置与版本'},
    meta: (series, windows, horizon, frequency) => `${series} 个序列，${windows} 次预测，每次 ${horizon} 步，频率 ${frequency}`,
    cutoffs: dates => `预测起点（已知数据截至）：${dates}。`,
    better: name => `误差低于最好的简单方法（${name}）`,
    worse: name => `误差高于最好的简单方法（${name}）。目前用该简单方法更好。`,
    same: name => `误差与最好的简单方法（${name}）相同`,
    noNaive: '没有可供比较的简单方法误差。',
    inSeries: (better, all, worse) => `${all} 个序列中，${better} 个更好，${worse} 个更差。`,
    allSteps: '在预测期的每一步都更好。', noStep: '在预测期的任何一步都不更好。',
    someSteps: (n, all, worse) => `${all} 步中有 ${n} 步更好；第 ${worse} 步不更好。`,
    extremes: (what, best, bestSkill, worst, worstSkill) => `${what}：领先最多的是${best}（${bestSkill}），最少的是${worst}（${worstSkill}）。`,
    inside: (got, asked, verdict) => `${asked} 区间包含了 ${got} 的真实值：${verdict}。`,
    fits: '符合要求', narrow: '区间过窄', broad: '区间过宽',
    over: v => `总体上预测偏高 ${v}。`, under: v => `总体上预测偏低 ${v}。`, even: v => `偏高与偏低相互抵消（偏差 ${v}）。`,
    leftOut: (n, most) => `${n} 个序列无法评分${most ? '：' + most : ''}。`,
    method: '方法', own: '本模型', skill: '技能', skillNote: name => `技能：误差比${name}小多少；0% 为相同，低于 0 为更差。`,
    mae: 'MAE', rmse: 'RMSE', wape: 'WAPE', bias: '偏差', mase: 'MASE', rmsse: 'RMSSE', smape: 'sMAPE', wql: 'wQL',
    scoresNote: 'MAE 与 RMSE 用数据的单位。WAPE：误差之和占数值之和的比例。偏差：大于 0 为偏高。MASE：小于 1 优于历史内的季节性朴素法。',
    best: '最好', median: '中位', worst: '最差', search: '按编号搜索', choose: '序列', noMatch: '此文件中没有这样的序列',
    sampled: (shown, all) => `此文件含 ${all} 个序列中的 ${shown} 个，按误差均匀选取，包括最好与最差的各十个。全部得分见 path.scores。`,
    allShown: n => `此文件含全部 ${n} 个序列。`,
    place: (place, all) => `按误差排第 ${place}，共 ${all}`, noPlace: '无名次：误差无定义',
    actual: '真实值', forecast: '预测值', interval: level => `${level}% 区间`,
    zoomHelp: '横向拖动放大，双击还原。键盘：← → 读数，+ − 缩放，Shift 加 ← → 移动，0 还原。',
    zoomIn: '放大', zoomOut: '缩小', zoomReset: '全部', chartOf: what => `图：${what}`,
    byStep: '按预测步', step: '步', byWeekday: '按星期', byGroup: '按组', group: '组', series: '序列', day: '星期',
    days: ['星期一', '星期二', '星期三', '星期四', '星期五', '星期六', '星期日'],
    noWeekday: '此频率的步没有星期。', noGroups: '没有分组：在 data.static_categories 中指定静态列，或使用多个编号列，即在此显示。',
    rest: n => `其余 ${n} 个`, naive: '简单方法', points: '数值',
    asked: '要求', got: '实际', difference: '差', level: '区间', scores: '得分', below: '不高于各分位数', ties: '相同的值较多（例如零）时，不高于分位数的比例会大于要求。', quantile: '分位数',
    noIntervals: '未要求区间（forecast.levels）。', insideByStep: '区间内真实值的比例，按预测步', askedFor: v => `要求 ${v}`,
    spreadNote: '序列之间的差异：相应比例的序列不高于该值。', share: '序列比例', fewest: '最低', most: '最高',
    trainLoss: '训练损失', validLoss: '验证损失', trainingStep: '训练步',
    noTraining: log => `${log || '日志'} 中没有训练轮次；打开 mode.log_file 后训练会写入。`,
    trainingNote: log => `${log} 中最近一次训练。损失用模型学习时的尺度。`, finalFit: '最终训练',
    facts: {source: '来源', layout: '布局', frequency: '频率', series: '序列', span: '起止', length: '序列步数（最短、中位、最长）',
      missing: '缺失值', zeros: '零值', negatives: '负值', constant: '恒定序列', empty: '无值序列', gaps: '无行的步',
      duplicates: '重复行', ended: '提前结束的序列', future: '预知值', statics: '静态值', scored: '已评分序列'},
    of: (a, b) => `${b} 中的 ${a}`, inSeriesOf: (a, n) => `${a}，涉及 ${n} 个序列`, none: '无',
    leftOutTitle: '未评分的序列', reason: '原因', count: '序列数', id: '编号', shownFirst: (n, all) => `共 ${all} 个，显示前 ${n} 个；全部见 path.report`,
    remarks: '关于数据的说明', noRemarks: '数据无需说明。', moreRemarks: n => `还有 ${n} 条：sluice check`,
    model: '模型', times: (train, forecast) => `训练 ${train} 秒，预测 ${forecast} 秒。`, settingsTitle: '全部设置', versionsTitle: '版本', licence: '图表库（dygraphs）的许可证',
    offline: '此文件不需要网络，也不发送任何内容。',
  },
};

const DATA = JSON.parse(document.getElementById('data').textContent);
const W = WORDS[DATA.language];

// "seasonal naive (7)" in the page's language.
function methodName(name) {
  if (name === 'sluice') return W.own;
  if (DATA.language !== 'zh') return name;
  return name.replace(/^seasonal naive/, '季节性朴素法').replace(/^last value$/, '最后值')
    .replace(/^mean of (\d+)$/, '最近 $1 步均值');
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
