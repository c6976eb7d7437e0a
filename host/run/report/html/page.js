// The page, section by section. What a slice holds: points, actual (sum |y|), error (sum of forecast - y), absolute (sum |e| of
// each method), covered (points inside of each interval).
const page = document.getElementById('page');
const own = 0, naive = DATA.best_naive;
const naiveName = naive ? methodName(DATA.methods[naive].name) : '';
const maeOf = (slice, method) => slice.points ? slice.absolute[method] / slice.points : null;
const wapeOf = (slice, method) => slice.actual > 0 ? slice.absolute[method] / slice.actual : null;
const biasOf = slice => slice.actual > 0 ? slice.error / slice.actual : null;
const skillOf = slice => naive && slice.absolute && slice.absolute[naive] > 0 ? 1 - slice.absolute[own] / slice.absolute[naive] : null;
const gotOf = (slice, level) => slice.points ? slice.covered[level] / slice.points : null;
const coloured = v => make('span', {class: !known(v) ? null : v > 0.0005 ? 'good' : v < -0.0005 ? 'bad' : null}, signedPct(v));

function section(name, ...children) {
  const out = make('section', {id: name, 'aria-labelledby': 'h-' + name}, make('h2', {id: 'h-' + name}, W.sections[name]), ...children);
  page.append(out);
  return out;
}

// rows: of cells, texts or elements. options: label (for readers of the screen), own (the row in bold), text (columns of words).
function table(head, rows, options = {}) {
  const body = make('tbody');
  rows.forEach((cells, i) => body.append(make('tr', {class: i === options.own ? 'own' : null},
    ...cells.map((cell, c) => make(c === 0 && !options.text ? 'th' : 'td', c === 0 && !options.text ? {scope: 'row'} : {}, cell)))));
  return make('div', {class: 'wide', tabindex: '0', role: 'region', 'aria-label': options.label || head.join(', ')},
    make('table', {class: options.text ? 'text' : null},
      head.length ? make('thead', {}, make('tr', {}, ...head.map(text => make('th', {scope: 'col'}, text)))) : null, body));
}

const bar = (value, most) => known(value) && most > 0
  ? (() => { const fill = make('i'); fill.style.width = Math.min(100, 100 * value / most) + '%'; return make('span', {class: 'bar', 'aria-hidden': 'true'}, fill); })()
  : null;

// The best and the worst of some named slices, as a sentence; nothing where fewer than two can be compared.
function extremes(what, names, slices) {
  const all = slices.map((slice, i) => ({name: names[i], skill: skillOf(slice)})).filter(one => known(one.skill));
  if (all.length < 2) return null;
  all.sort((a, b) => b.skill - a.skill);
  const [best, worst] = [all[0], all[all.length - 1]];
  return W.extremes(what, best.name, signedPct(best.skill), worst.name, signedPct(worst.skill));
}

const groupName = group => group.of_targets ? W.target : group.name;
const wordText = word => word.word === 'unknown' ? W.unknown : word.word || '–';

// What a share inside of an interval says of it. Shares of few values differ from what was asked by chance: about two standard
// deviations of independent ones are allowed, or three points, but at high levels no more than a third of what should lie outside.
function verdict(got, asked, points) {
  const chance = 2 * Math.sqrt(asked * (1 - asked) / points), off = Math.round(1000 * (got - asked)) / 1000;
  if (Math.abs(off) <= Math.max(chance, Math.min(0.03, (1 - asked) / 3))) return chance > 0.05 ? W.few : W.fits;
  if (off < 0) return W.narrow;
  const {zeros, values, constant, series} = DATA.data;
  return zeros > 0.1 * values || constant > 0.1 * series ? W.ties : W.broad;
}

function listed(numbers) {  // 1, 2, 3, 7 -> "1–3, 7"
  const runs = [];
  for (const n of numbers) {
    const last = runs[runs.length - 1];
    if (last && last[1] === n - 1) last[1] = n; else runs.push([n, n]);
  }
  const texts = runs.slice(0, 8).map(([a, b]) => a === b ? `${a}` : `${a}–${b}`);
  return texts.join(W.list) + (runs.length > 8 ? '…' : '');
}

function headline(skill, text) {
  const shown = Math.round(1000 * skill);
  return make('div', {class: 'headline'}, make('strong', {class: shown > 0 ? 'good' : shown < 0 ? 'bad' : null}, pct(shown === 0 ? 0 : Math.abs(skill))),
    make('span', {}, text(shown)));
}

function worth() {
  const skill = skillOf(DATA.total), sentences = [];
  const out = section('worth'), means = DATA.means;
  if (known(skill)) {
    if (means) {
      out.append(headline(means.skill, shown => W.ofMeans(shown, methodName(means.name))));
      sentences.push(W.absolute(signedPct(skill), naiveName));
    } else {
      out.append(headline(skill, shown => shown > 0 ? W.better(naiveName) : shown < 0 ? W.worse(naiveName) : W.same(naiveName)));
    }
    const rows = DATA.rows;
    if (DATA.targets > 1) sentences.push(W.mixed(DATA.targets));
    sentences.push(W.inSeries(count(rows.better), count(rows.count), count(rows.worse), DATA.targets > 1));
    const compared = DATA.steps.map((slice, k) => [k + 1, skillOf(slice)]).filter(([, s]) => known(s));
    const lost = compared.filter(([, s]) => s <= 0).map(([k]) => k);
    if (compared.length > 1) {
      sentences.push(!lost.length ? W.allSteps : lost.length === compared.length ? W.noStep
        : W.someSteps(compared.length - lost.length, compared.length, listed(lost)));
    }
    sentences.push(extremes(W.onWeekday, W.days, DATA.weekdays));
    for (const group of DATA.groups) {
      const largest = group.rest ? W.ofLargest(group.words.length) : '';
      sentences.push(extremes(W.inGroup(groupName(group)) + largest, group.words.map(wordText), group.words));
    }
  } else {
    const perfect = naive && DATA.total.points && DATA.total.absolute[naive] === 0;
    out.append(make('p', {}, !perfect ? W.noNaive : DATA.total.absolute[own] > 0 ? W.perfect(naiveName) : W.bothPerfect(naiveName)));
  }
  DATA.levels.forEach((level, i) => {
    const got = gotOf(DATA.total, i);
    if (!known(got)) return;
    sentences.push(W.inside(pct(got), W.percent(num(level)), verdict(got, level / 100, DATA.total.points)));
  });
  const bias = biasOf(DATA.total);
  if (known(bias)) sentences.push(Math.abs(bias) < 0.01 ? W.even(signedPct(bias)) : bias > 0 ? W.over(pct(bias)) : W.under(pct(-bias)));
  if (DATA.data.zeros > 0.3 * DATA.data.values) sentences.push(W.zeros(pct(DATA.data.zeros / DATA.data.values)));
  const left = DATA.data.left_out;
  if (left.count) sentences.push(W.leftOut(count(left.count), left.reasons.length ? reasonText(left.reasons[0].reason) : ''));
  out.append(make('ul', {}, ...sentences.filter(Boolean).map(text => make('li', {}, text))));
  const columns = ['mae', 'rmse', 'wape', 'bias', 'mase', 'rmsse', 'smape', 'wql'].filter(c => DATA.methods.some(m => known(m.total[c])));
  const best = naive ? DATA.methods[naive].total.mae : null;
  out.append(make('h3', {}, W.scores), table([W.method, W.skill, ...columns.map(c => W[c])], DATA.methods.map((m, i) => [
    methodName(m.name), known(best) && best > 0 && i !== naive ? coloured(1 - m.total.mae / best) : '–',
    ...columns.map(c => c === 'wape' ? pct(m.total[c]) : c === 'bias' ? signedPct(m.total[c]) : num(m.total[c]))]), {own: 0}),
  make('p', {class: 'faint'}, (naive ? W.skillNote(naiveName) + ' ' : '') + W.scoresNote));
}

// What moved a forecast: bars to both sides of zero, the longest first; many short ones together.
function whyRows(why) {
  const most = 12, own = {rest: W.whyRest, ...W.whyOwn};
  const name = ([input, part]) => !part ? own[input] ?? input
    : input === 'calendar' && part in W.cycles ? W.calendar + W.list + W.cycles[part] : input + W.list + W.parts(part);
  const inputs = why.inputs.filter(one => known(one[2]) && one[2] !== 0).sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
  const rows = inputs.slice(0, most).map(one => [name(one), one[2]]), others = inputs.slice(most);
  if (others.length) rows.push([W.rest(count(others.length)), others.reduce((sum, one) => sum + one[2], 0)]);
  return rows;
}
function whyTable(why) {
  const rows = whyRows(why), longest = Math.max(...rows.map(row => Math.abs(row[1])));
  const both = value => {
    const fill = make('i', {class: value < 0 ? 'less' : 'more'});
    fill.style.width = 50 * Math.abs(value) / longest + '%';
    return make('span', {class: 'sides', 'aria-hidden': 'true'}, fill);
  };
  const signed = value => (value > 0 ? '+' : '') + num(value);
  return table([], [[W.whyBaseline, '', num(why.baseline)], ...rows.map(([name, value]) => [name, both(value), signed(value)]),
    [W.forecast, '', num(why.forecast)]], {label: W.whyTitle, own: rows.length + 1});
}

function series() {
  const all = DATA.sample.rows, ranked = all.filter(row => known(row.place));
  const out = section('series');
  const input = make('input', {type: 'search', id: 'search', placeholder: W.search, 'aria-label': W.search, autocomplete: 'off', spellcheck: 'false'});
  const select = make('select', {id: 'choose', 'aria-label': W.choose});
  const picks = [['best', 0], ['median', Math.floor((ranked.length - 1) / 2)], ['worst', ranked.length - 1]]
    .filter(([name]) => ranked.length > (name === 'median' ? 2 : 1))
    .map(([name, at]) => ({row: all.indexOf(ranked[at]), button: make('button', {type: 'button', id: 'pick-' + name, 'aria-pressed': 'false'}, W[name])}));
  const title = make('h3', {id: 'shown'}), facts = make('p', {class: 'faint'}), host = make('div'), why = make('div', {id: 'why'});
  const tools = make('div', {class: 'pick zoom'});
  out.append(make('div', {class: 'pick'}, ...picks.map(pick => pick.button)), make('div', {class: 'pick'}, input, select), title, facts, host, tools,
    make('p', {class: 'faint help'}, TOUCH ? W.zoomTouch : W.zoomHelp), why,
    make('p', {class: 'faint'}, all.length < DATA.rows.count ? W.sampled(count(all.length), count(DATA.rows.count), DATA.targets > 1) : W.allShown(count(all.length), DATA.targets > 1)));
  let chart = null;
  for (const [name, sign, action] of [['zoomIn', '+', g => zoom(g, 0.5)], ['zoomOut', '−', g => zoom(g, 2)],
    ['moveLeft', '←', g => zoom(g, 1, -0.25)], ['moveRight', '→', g => zoom(g, 1, 0.25)], ['zoomReset', '⤢', g => g.resetZoom()]]) {
    const button = make('button', {type: 'button', 'aria-label': W[name], title: W[name]}, sign);
    button.addEventListener('click', () => action(chart.graph));
    tools.append(button);
  }

  function show(at) {
    const row = all[at], dates = DATA.dates[row.dates], bands = Boolean(row.lower);
    title.textContent = row.id;
    const explained = all.some(one => one.why);
    why.replaceChildren(...row.why ? [make('h3', {}, W.whyTitle), make('p', {class: 'faint'}, W.whyNote(row.why.from)), whyTable(row.why)]
      : explained ? [make('p', {class: 'faint'}, W.whyOthers)] : []);
    facts.textContent = [known(row.place) ? W.place(count(row.place), count(DATA.sample.ranked), W[DATA.sample.metric]) : W.noPlace, `${W.skill} ${signedPct(row.skill)}`,
      `${W.wape} ${pct(row.wape)}`, `${W.mase} ${num(row.mase)}`, `${W.mae} ${num(row.mae)}`, `${W.bias} ${signedPct(row.bias)}`].join(' · ');
    const rows = row.actual.map((y, t) => {
      const k = t - row.begin, f = k >= 0 ? row.forecast[k] : null;
      if (!bands) return [t, y, f];
      return [t, [y, y, y], known(f) ? [row.lower[k], f, row.upper[k]] : [null, null, null]];
    });
    const lone = row.forecast.map((f, k) => k).filter(k => known(row.forecast[k]) && !known(row.forecast[k - 1]) && !known(row.forecast[k + 1]));
    const chars = Math.max(...dates.map(date => shortDate(date).length));
    const level = num(Math.max(...DATA.levels)), band = bands ? `${W.forecast} (${W.interval(level)})` : W.forecast;
    if (chart) { CHARTS.splice(CHARTS.indexOf(chart), 1); chart.graph.destroy(); host.replaceChildren(); }
    chart = drawChart(host, {title: row.id, tall: true, rows, labels: [W.step, W.actual, band], x: t => dates[t] ?? '', ticks: ticksOfDates(dates, chars), chars, y: numberText,
      colours: () => [colour('actual'), colour('forecast')],
      more: (label, t, text) => bands && label === band && known(row.lower[t - row.begin])
        ? ` [${text(row.lower[t - row.begin])} … ${text(row.upper[t - row.begin])}]` : '',
      options: {customBars: bands, series: {[band]: {drawPoints: lone.length > 0, pointSize: 3.5}}, underlayCallback: (context, area, graph) => {
        const left = graph.toDomXCoord(row.begin - 0.5);
        context.fillStyle = colour('shade');
        context.fillRect(Math.max(left, area.x), area.y, area.x + area.w - Math.max(left, area.x), area.h);
        if (!bands) return;
        context.strokeStyle = colour('forecast');  // a band needs two steps beside each other
        for (const k of lone) {
          context.beginPath();
          for (const end of [row.lower[k], row.upper[k]]) context.lineTo(graph.toDomXCoord(row.begin + k), graph.toDomYCoord(end));
          context.stroke();
        }
      }}});
    picks.forEach(pick => pick.button.setAttribute('aria-pressed', String(pick.row === at)));
    select.value = String(at);
  }

  const plain = text => text.trim().normalize('NFC').toLowerCase();
  const errorText = row => DATA.sample.metric === 'mase' ? `${W.mase} ${num(row.mase)}` : `${W.wape} ${pct(row.wape)}`;
  function list() {
    const wanted = plain(input.value);
    const found = all.map((row, i) => i).filter(i => plain(all[i].id).includes(wanted));
    const same = found.findIndex(i => plain(all[i].id) === wanted);  // S1 before S10, whatever their errors
    if (same > 0) found.unshift(...found.splice(same, 1));
    select.replaceChildren(...found.map(i => make('option', {value: String(i)}, `${all[i].id}  ${errorText(all[i])}`)));
    if (!found.length) select.append(make('option', {disabled: ''}, W.noMatch));
    return found;
  }
  input.addEventListener('input', () => { const found = list(); if (wantedIs(found)) show(found[0]); });
  const wantedIs = found => found.length > 0 && input.value.trim() !== '';
  select.addEventListener('change', () => show(Number(select.value)));
  for (const pick of picks) pick.button.addEventListener('click', () => { input.value = ''; list(); show(pick.row); });
  list();
  if (all.length) show(picks.length > 2 ? picks[1].row : 0);
}

// Lines of `value(slice, i)` over the steps of the horizon.
function stepChart(host, title, names, value, y, options = {}, colours = palette) {
  const one = DATA.steps.length === 1;
  const rows = DATA.steps.map((slice, k) => [k + 1, ...names.map((name, i) => value(slice, i))]);
  drawChart(host, {title, rows, labels: [W.step, ...names], x: k => Number.isInteger(k) ? `${k}` : '', y, colours: () => colours(names.length),
    options: Object.assign({xlabel: W.step, drawPoints: one || rows.length <= 40, pointSize: one ? 4 : 2}, options)});
}

// Scores of the levels of data.groups, a table for each; the last row is their mean, each level counted alike.
function levelTables() {
  if (!DATA.hierarchy) return [];
  const {methods, levels} = DATA.hierarchy, names = methods.map(methodName);
  const shown = ['wrmsse', 'rmsse', 'mase', 'wape'].filter(c => levels.some(level => level.scores.some(s => known(s[c]))));
  const mean = (c, i) => levels.every(level => known(level.scores[i][c])) ? levels.reduce((sum, level) => sum + level.scores[i][c], 0) / levels.length : null;
  const tables = shown.map((c, n) => {
    const text = c === 'wape' ? pct : num;
    const rows = levels.map(level => [level.name === 'series' ? W.series : level.name, count(level.series), ...level.scores.map(s => text(s[c]))]);
    rows.push([W.levelsMean, '', ...methods.map((name, i) => text(mean(c, i)))]);
    return make('details', n === 0 ? {open: ''} : {}, make('summary', {}, W[c]), table([W.sums, W.series, ...names], rows, {own: levels.length}));
  });
  return [make('h3', {}, W.byLevel), ...tables, make('p', {class: 'faint'}, W.levelsNote)];
}

function errors() {
  const out = section('errors'), relative = DATA.total.actual > 0, first = make('div');
  out.append(make('h3', {}, `${W.byStep} (${relative ? W.wape : W.mae})`), first);
  const names = DATA.methods.map(m => methodName(m.name));
  stepChart(first, W.byStep, names, (slice, i) => relative ? wapeOf(slice, i) : maeOf(slice, i), relative ? percentText : numberText, {includeZero: true,
    series: {[names[0]]: {strokeWidth: 3}}});

  const errorOf = (slice, i) => relative ? wapeOf(slice, i) : maeOf(slice, i), text = relative ? pct : num;
  const level = DATA.levels.indexOf(Math.max(...DATA.levels));  // the widest, as the band of the forecasts
  const columns = first => [first, relative ? W.wape : W.mae, W.naive, W.skill, W.bias, ...(level >= 0 ? [W.interval(num(DATA.levels[level]))] : [])];
  const cells = (slice, most) => [make('span', {}, bar(errorOf(slice, own), most), text(errorOf(slice, own))), naive ? text(errorOf(slice, naive)) : '–',
    coloured(skillOf(slice)), signedPct(biasOf(slice)), ...(level >= 0 ? [pct(gotOf(slice, level))] : [])];
  const most = slices => Math.max(...slices.map(slice => errorOf(slice, own) ?? 0));
  out.append(make('h3', {}, W.byWeekday));
  const days = DATA.weekdays.map((slice, i) => [W.days[i], slice]).filter(([, slice]) => slice.points);
  out.append(days.length ? table(columns(W.day), days.map(([name, slice]) => [name, ...cells(slice, most(days.map(d => d[1])))]))
    : make('p', {class: 'faint'}, W.noWeekday));
  out.append(make('h3', {}, W.byGroup));
  if (!DATA.groups.length) out.append(make('p', {class: 'faint'}, W.noGroups));
  DATA.groups.forEach((group, i) => {
    const rows = group.words.map(word => [wordText(word), count(word.series), word]);
    if (group.rest) rows.push([W.rest(count(group.rest.words)), count(group.rest.series), group.rest]);
    const head = columns(groupName(group));
    head.splice(1, 0, W.series);
    const shown = table(head, rows.map(([name, n, slice]) => [name, n, ...cells(slice, most(rows.map(r => r[2])))]));
    out.append(make('details', i === 0 ? {open: ''} : {}, make('summary', {}, groupName(group)), shown));
  });
  if (DATA.more_groups) out.append(make('p', {class: 'faint'}, W.moreGroups(count(DATA.more_groups))));
  out.append(...levelTables());
}

function intervals() {
  const out = section('intervals');
  if (!DATA.levels.length) { out.append(make('p', {}, W.noIntervals)); return; }
  const total = DATA.total;
  const difference = (got, asked) => known(got) ? (got > asked ? '+' : got < asked ? '-' : '') + tenth.format(Math.abs(100 * (got - asked))) : '–';
  out.append(table([W.level, W.asked, W.got, W.difference], DATA.levels.map((level, i) => {
    const got = gotOf(total, i);
    return [W.interval(num(level)), pct(level / 100), pct(got), difference(got, level / 100)];
  })), make('h3', {}, W.below), table([W.quantile, W.asked, W.got, W.difference], DATA.probabilities.map((p, j) => {
    const got = total.points ? DATA.below[j] / total.points : null;
    return [num(p), pct(p), pct(got), difference(got, p)];
  })), make('p', {class: 'faint'}, W.tiesNote));
  const host = make('div');
  out.append(make('h3', {}, W.insideByStep), host);
  const n = DATA.levels.length;
  const names = [...DATA.levels.map(level => W.interval(num(level))), ...DATA.levels.map(level => W.askedFor(W.percent(num(level))))];
  const dashed = Object.fromEntries(names.slice(n).map(name => [name, {strokePattern: [5, 5], strokeWidth: 1.2, drawPoints: false}]));
  const lines = () => DATA.levels.map((level, i) => colour(['c1', 'c2', 'c5', 'c4', 'c7', 'c6', 'c8'][i % 7]));
  stepChart(host, W.insideByStep, names, (slice, i) => i < n ? gotOf(slice, i) : DATA.levels[i - n] / 100, percentText, {series: dashed, valueRange: [0, 1.04]},
    () => [...lines(), ...lines()]);
}

function spread() {
  const q = DATA.rows.quantiles, at = q.at.map((v, i) => i === 0 ? W.fewest : v === 1 ? W.most : pct(v).replace(/[.,]0/, ''));
  section('spread', make('p', {class: 'faint'}, W.spreadNote), table([W.share, ...at], [
    [W.skill, ...q.skill.map(coloured)], [W.wape, ...q.wape.map(pct)], [W.mase, ...q.mase.map(num)], [W.bias, ...q.bias.map(signedPct)]]));
}

function training() {
  const out = section('training'), {curves, log} = DATA.training;
  if (!curves.length) { out.append(make('p', {}, W.noTraining(log))); return; }
  const name = label => label.replace(/\bseed (\d+\/\d+)/, (all, n) => W.seed(n)).replace(/\bfinal\b/, W.finalFit), labels = [W.trainingStep], lines = [];
  for (const curve of curves) {
    for (const [kind, values] of [[W.trainLoss, curve.train], [W.validLoss, curve.valid]]) {
      if (!values.some(known)) continue;
      const label = (curve.label ? name(curve.label) + W.colon : '') + kind;
      labels.push(labels.includes(label) ? label + ' ' + labels.length : label);
      lines.push(new Map(curve.step.map((step, i) => [step, values[i]])));
    }
  }
  const steps = [...new Set(curves.flatMap(curve => curve.step))].sort((a, b) => a - b);
  const host = make('div');
  const {wrote, model} = DATA.training, other = wrote && model && wrote !== model ? W.otherModel(wrote, model) : null;
  out.append(other ? make('p', {class: 'bad'}, other) : '', make('p', {class: 'faint'}, W.trainingNote(log)), host);
  drawChart(host, {title: W.sections.training, rows: steps.map(step => [step, ...lines.map(line => line.get(step) ?? null)]), labels,
    x: step => Number.isInteger(step) ? whole.format(step) : '', y: numberText, colours: () => palette(lines.length),
    options: {connectSeparatedPoints: true, xlabel: W.trainingStep, drawPoints: steps.length <= 40, pointSize: 2}});
}

function data() {
  const d = DATA.data, F = W.facts, out = section('data');
  const share = (n, all) => n ? `${count(n)} (${pct(n / Math.max(1, all))})` : W.none;
  const rows = [[F.source, d.source], [F.layout, d.layout], [F.frequency, frequencyText(d.frequency)], [F.series, count(d.series)], [F.scored, W.of(count(DATA.series), count(d.series))],
    [F.span, `${d.first} – ${d.last}`], [F.length, [d.shortest, d.median_length, d.longest].map(count).join(' / ')],
    [F.gaps, d.gap_steps ? W.inSeriesOf(count(d.gap_steps), count(d.gap_series)) : W.none], [F.missing, share(d.missing, d.missing + d.values)],
    [F.zeros, share(d.zeros, d.values)], [F.negatives, share(d.negatives, d.values)], [F.ended, share(d.ended, d.series)],
    [F.constant, share(d.constant, d.series)], [F.empty, share(d.empty, d.series)], [F.duplicates, d.duplicates ? count(d.duplicates) : W.none]];
  if (d.future) rows.push([F.future, d.future]);
  if (d.statics) rows.push([F.statics, d.statics]);
  out.append(table([], rows, {text: true, label: W.sections.data}));
  out.append(make('h3', {}, W.remarks + (d.remarks.length ? W.remarksNote : '')));
  out.append(d.remarks.length ? make('ul', {}, ...d.remarks.map(text => make('li', {}, text))) : make('p', {class: 'faint'}, W.noRemarks));
  if (d.remark_count > d.remarks.length) out.append(make('p', {class: 'faint'}, W.moreRemarks(count(d.remark_count - d.remarks.length))));
  const left = d.left_out;
  if (!left.count) return;
  out.append(make('h3', {}, `${W.leftOutTitle} (${count(left.count)})`),
    table([W.count, W.reason], left.reasons.map(one => [count(one.count), reasonText(one.reason)]), {text: true}),
    make('details', {}, make('summary', {}, left.count > left.series.length ? W.shownFirst(count(left.series.length), count(left.count)) : W.leftOutTitle),
      table([W.id, W.reason], left.series.map(one => [one.id, reasonText(one.reason)]), {text: true})));
}

function settings() {
  const secondsText = s => s < 0.1 ? '<0.1' : s < 10 ? tenth.format(s) : count(s);
  const fitted = DATA.methods.filter(m => m.processor_seconds).map(m => `${methodName(m.name)} ${secondsText(m.processor_seconds)}`);
  const folded = (title, text) => make('details', {}, make('summary', {}, title), make('pre', {tabindex: '0'}, text));
  section('settings', make('p', {}, W.model + W.colon + DATA.model),
    known(DATA.train_seconds) ? make('p', {class: 'faint'}, W.times(DATA.train_seconds ? secondsText(DATA.train_seconds) : '', secondsText(DATA.forecast_seconds))) : null,
    fitted.length ? make('p', {class: 'faint'}, W.methodTimes(fitted.join(W.list))) : null,
    folded(W.settingsTitle, DATA.settings), folded(W.versionsTitle, DATA.versions),
    folded(W.licence, document.getElementById('licence').textContent), make('p', {class: 'faint'}, W.offline));
}

page.append(make('h1', {}, W.title), make('p', {}, DATA.data.source),
  make('p', {class: 'faint'}, W.meta(count(DATA.series), count(DATA.windows), DATA.horizon, frequencyText(DATA.data.frequency)) + ' · ' +
    W.cutoffs(DATA.cutoffs.length > 4 ? [...DATA.cutoffs.slice(0, 2), '…', DATA.cutoffs[DATA.cutoffs.length - 1]].join(W.list) : DATA.cutoffs.join(W.list)) +
    (DATA.early ? ' ' + W.early(count(DATA.early.series), count(DATA.early.all), DATA.early.first) : '')),
  make('nav', {'aria-label': W.title}, ...Object.entries(W.sections).map(([id, text]) => make('a', {href: '#' + id}, text))));
worth();
series();
errors();
intervals();
spread();
training();
data();
settings();
