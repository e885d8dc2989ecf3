'use strict';
// Reads values out of the figures, zooms, hides and sorts. Nothing here is needed to read the page.
(() => {
  const FINE = 10000;
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  document.documentElement.classList.add('js');
  const live = document.body.appendChild(make('div', 'live'));
  live.setAttribute('aria-live', 'polite');

  // Three digits as the tables have them, with the axis' unit; `%` stands for parts of one.
  const show = (value, unit) => {
    const scaled = unit === '%' ? value * 100 : value;
    const size = Math.abs(scaled);
    const text = size >= 1000 ? Math.round(scaled).toLocaleString('en-US')
      : String(Number(scaled.toPrecision(size >= 99 && size < 100 ? 4 : 3)));
    return unit ? text + (unit === '/s' ? '/s' : ' ' + unit) : text;
  };

  class Axis {
    constructor(plot, of) {
      this.low = Number(plot.dataset[of + '0']);
      this.high = Number(plot.dataset[of + '1']);
      this.log = of + 'log' in plot.dataset;
      this.unit = plot.dataset[of + 'u'];
    }
    at(part) {
      return this.log ? this.low * (this.high / this.low) ** part : this.low + (this.high - this.low) * part;
    }
    part(value) {
      return (value - this.low) / (this.high - this.low);
    }
  }

  // Pieces of a path as points in fine units.
  const points = path => {
    const found = [];
    for (const piece of path.getAttribute('d').split('M').filter(Boolean)) {
      const numbers = (piece.match(/-?\d+/g) || []).map(Number);
      let [x, y] = numbers;
      const own = [[x, y]];
      for (let i = 2; i + 1 < numbers.length; i += 2) own.push([x += numbers[i], y += numbers[i + 1]]);
      found.push(own);
    }
    return found;
  };

  // The height of a line at x, held or interpolated; undefined where there is none.
  const height = (pieces, x) => {
    for (const piece of pieces) {
      if (x < piece[0][0] || x > piece[piece.length - 1][0]) continue;
      let low = 0, high = piece.length - 1;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (piece[middle][0] <= x) low = middle; else high = middle;
      }
      const [a, b] = [piece[low], piece[high]];
      return b[0] === a[0] ? b[1] : a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]);
    }
    return undefined;
  };

  const step = width => {
    const decade = 10 ** Math.floor(Math.log10(width));
    return [1, 2, 2.5, 5, 10].map(f => f * decade).find(s => s >= width);
  };

  class Chart {
    constructor(plot) {
      this.plot = plot;
      this.svg = plot.querySelector('svg');
      this.x = new Axis(plot, 'x');
      this.y = new Axis(plot, 'y');
      this.from = 0;
      this.to = 1;
      this.lines = null;
      this.ticks = plot.parentElement.querySelector('.xt');
      this.first = this.ticks ? this.ticks.innerHTML : '';
      plot.tabIndex = 0;
      plot.setAttribute('role', 'application');
      plot.setAttribute('aria-roledescription', 'chart');
      plot.setAttribute('aria-label', plot.getAttribute('aria-label') + '. Arrow keys read values, plus and minus zoom, Escape ends.');
    }
    read() {
      this.lines ||= all('path.line', this.svg).map(path => ({
        path, name: path.dataset.name, colour: path.style.getPropertyValue('--c'), pieces: points(path),
      }));
      return this.lines.filter(line => !line.path.classList.contains('off'));
    }
    // Where on the axis a part of the drawing's width lies.
    value(part) {
      return this.x.at(this.from + (this.to - this.from) * part);
    }
    point(value, say) {
      const whole = this.x.part(value);
      const part = (whole - this.from) / (this.to - this.from);
      if (part < 0 || part > 1) return this.leave();
      this.cursor ||= this.plot.appendChild(make('div', 'cursor'));
      this.box ||= this.plot.appendChild(make('div', 'read'));
      this.cursor.style.left = part * 100 + '%';
      const rows = this.read()
        .map(line => ({line, y: height(line.pieces, whole * FINE)}))
        .filter(row => row.y !== undefined).sort((a, b) => a.y - b.y).slice(0, 14);
      const head = show(value, this.x.unit);
      this.box.replaceChildren(make('b', '', head));
      const words = [head];
      for (const {line, y} of rows) {
        const row = make('div');
        const mark = row.appendChild(make('i'));
        mark.style.setProperty('--c', line.colour);
        const read = show(this.y.at(1 - y / FINE), this.y.unit);
        row.append(line.name);
        row.appendChild(make('span', '', read));
        this.box.append(row);
        words.push(line.name + ' ' + read);
      }
      const left = part > 0.5;
      this.box.style.left = left ? '' : `calc(${part * 100}% + .75rem)`;
      this.box.style.right = left ? `calc(${(1 - part) * 100}% + .75rem)` : '';
      if (say) live.textContent = words.join(', ');
    }
    leave() {
      this.cursor?.remove();
      this.box?.remove();
      this.cursor = this.box = null;
    }
    zoom(from, to) {
      [this.from, this.to] = [Math.max(0, from), Math.min(1, to)];
      this.svg.setAttribute('viewBox', `${this.from * FINE} 0 ${(this.to - this.from) * FINE} ${FINE}`);
      const whole = this.from === 0 && this.to === 1;
      for (const fault of all('.fault', this.plot)) fault.hidden = !whole;
      if (this.ticks) this.label(whole);
      this.leave();
    }
    label(whole) {
      if (whole) { this.ticks.innerHTML = this.first; return; }
      const [low, high] = [this.value(0), this.value(1)];
      const wide = step((high - low) / 6);
      this.ticks.replaceChildren();
      for (let at = Math.ceil(low / wide) * wide; at <= high + wide * 1e-9; at += wide) {
        const tick = this.ticks.appendChild(make('span', '', String(Number(at.toPrecision(9)))));
        tick.style.left = (at - low) / (high - low) * 100 + '%';
      }
    }
  }

  // Charts of a figure that share an axis move together.
  class Group {
    constructor(figure) {
      this.figure = figure;
      this.charts = all('.plot', figure).map(plot => new Chart(plot));
      this.charts.forEach(chart => this.listen(chart));
    }
    same(chart) {
      return this.charts.filter(other => other.x.low === chart.x.low && other.x.high === chart.x.high);
    }
    point(chart, value, say) {
      for (const other of this.same(chart)) {
        if (other === chart || !this.figure.querySelector('.small')) other.point(value, say && other === chart);
      }
      this.at = value;
    }
    leave() {
      this.charts.forEach(chart => chart.leave());
    }
    zoom(chart, from, to) {
      if (to - from < 0.005) return;
      this.same(chart).forEach(other => other.zoom(from, to));
      const whole = chart.from === 0 && chart.to === 1;
      if (whole) { this.reset?.remove(); this.reset = null; return; }
      if (!this.reset) {
        this.reset = make('button', 'reset', 'Show all');
        this.reset.type = 'button';
        this.reset.addEventListener('click', () => this.zoom(chart, 0, 1));
        this.figure.querySelector('.panel').append(this.reset);
      }
    }
    pick(value) {
      const commands = all('.command', this.figure);
      const about = this.figure.querySelector('figcaption details');
      if (!commands.length || !about) return;
      about.open = true;
      let picked = about.querySelector('.pick');
      picked ||= about.appendChild(make('p', 'pick'));
      const unit = this.charts[0].x.unit;
      picked.textContent = `Picked ${show(value, unit)}.`;
      // Commands that look at a moment look at this one.
      const seconds = value * ({min: 60, h: 3600}[unit] ?? 1);
      for (const code of all('.command code', about)) {
        code.textContent = code.textContent.replace(/--at [\d.]+/, `--at ${seconds.toFixed(1)}`);
      }
    }
    listen(chart) {
      const {plot} = chart;
      const part = event => {
        const box = plot.getBoundingClientRect();
        return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      };
      let start = null, range = null;
      plot.addEventListener('pointermove', event => {
        this.point(chart, chart.value(part(event)), false);
        if (start === null) return;
        const [a, b] = [start, part(event)].sort((m, n) => m - n);
        if (b - a < 0.01) return;
        range ||= plot.appendChild(make('div', 'range'));
        range.style.left = a * 100 + '%';
        range.style.width = (b - a) * 100 + '%';
      });
      plot.addEventListener('pointerdown', event => {
        if (event.button === 0 && event.pointerType !== 'touch') { start = part(event); event.preventDefault(); plot.focus({preventScroll: true}); }
      });
      plot.addEventListener('pointerup', event => {
        if (start === null) return;
        const [a, b] = [start, part(event)].sort((m, n) => m - n);
        start = null;
        range?.remove();
        range = null;
        const width = chart.to - chart.from;
        if (b - a > 0.01) this.zoom(chart, chart.from + a * width, chart.from + b * width);
        else this.pick(chart.value(b));
      });
      plot.addEventListener('pointerleave', () => { if (start === null) this.leave(); });
      plot.addEventListener('dblclick', () => this.zoom(chart, 0, 1));
      plot.addEventListener('blur', () => this.leave());
      plot.addEventListener('keydown', event => {
        const width = chart.x.high - chart.x.low;
        const at = this.at ?? chart.value(0.5);
        const near = event.shiftKey ? 0.1 : 0.01;
        const middle = chart.x.part(at);
        const span = chart.to - chart.from;
        switch (event.key) {
          case 'ArrowRight': this.point(chart, Math.min(chart.value(1), at + width * near * span), true); break;
          case 'ArrowLeft': this.point(chart, Math.max(chart.value(0), at - width * near * span), true); break;
          case 'Home': this.point(chart, chart.value(0), true); break;
          case 'End': this.point(chart, chart.value(1), true); break;
          case '+': case '=': this.zoom(chart, middle - span / 4, middle + span / 4); break;
          case '-': this.zoom(chart, middle - span, middle + span); break;
          case 'Enter': this.pick(at); break;
          case 'Escape': this.zoom(chart, 0, 1); this.leave(); break;
          default: return;
        }
        event.preventDefault();
      });
    }
  }
  all('figure').forEach(figure => { if (figure.querySelector('.plot')) new Group(figure); });

  // Which lines an entry of a legend stands for: those of its name, or all that were meant.
  const stands = (entry, name) => entry === name || name.startsWith(entry + ', ')
    || (entry.startsWith('expected') && name.endsWith(', expected'));
  for (const panel of all('.panel')) {
    const buttons = all('.legend button', panel);
    const update = () => {
      const off = buttons.filter(b => b.getAttribute('aria-pressed') === 'false').map(b => b.dataset.entry);
      for (const mark of all('[data-name]', panel)) {
        mark.classList.toggle('off', off.some(entry => stands(entry, mark.dataset.name)));
      }
    };
    for (const button of buttons) {
      button.addEventListener('click', event => {
        if (event.altKey || event.detail === 2) {
          // Alone, or all again.
          const alone = buttons.every(b => b === button || b.getAttribute('aria-pressed') === 'false');
          buttons.forEach(b => b.setAttribute('aria-pressed', String(alone || b === button)));
        } else {
          button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') === 'false'));
        }
        update();
      });
    }
  }

  // Policies can be hidden everywhere at once.
  const names = [...new Set(all('.bars [data-policy], .small [data-policy]').map(row => row.dataset.policy))];
  const listed = new Set(all('#policies tbody tr, [id$="-policies"] tbody tr').map(row => row.dataset.policy.split(' ')[0]));
  const policies = names.filter(name => listed.has(name.split('{')[0]));
  if (policies.length > 1) {
    const hidden = new Set();
    const filter = make('div', 'filter');
    filter.setAttribute('role', 'group');
    filter.setAttribute('aria-label', 'Policies shown');
    for (const name of policies) {
      const button = filter.appendChild(make('button', '', name));
      button.type = 'button';
      button.setAttribute('aria-pressed', 'true');
      button.addEventListener('click', () => {
        if (hidden.has(name)) hidden.delete(name); else hidden.add(name);
        button.setAttribute('aria-pressed', String(!hidden.has(name)));
        for (const row of all('[data-policy]')) row.classList.toggle('off', hidden.has(row.dataset.policy));
      });
    }
    const about = make('details', 'choose');
    about.append(make('summary', '', 'Choose policies'), filter);
    filter.style.marginTop = '.5rem';
    about.style.cssText = 'font-size:.875rem;color:var(--grey);margin-top:2rem';
    document.querySelector('#findings').append(about);
  }

  // Tables sort by the first number of their cells, or by their words.
  for (const table of all('table')) {
    const body = table.tBodies[0];
    if (!table.tHead || !body || body.rows.length < 3) continue;
    const number = text => {
      const found = text.replaceAll(',', '').replace('−', '-').match(/-?\d+(\.\d+)?/);
      return found ? Number(found[0]) : NaN;
    };
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent) return;
      const button = make('button', '', head.textContent);
      button.type = 'button';
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        all('th[aria-sort]', table).forEach(other => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const numeric = head.classList.contains('n');
        const key = row => row.cells[column].textContent;
        const rows = [...body.rows].sort((a, b) => {
          if (!numeric) return key(a).localeCompare(key(b)) * (down ? -1 : 1);
          const [m, n] = [number(key(a)), number(key(b))];
          if (isNaN(m) || isNaN(n)) return isNaN(m) - isNaN(n);
          return (m - n) * (down ? -1 : 1);
        });
        body.append(...rows);
      });
    });
  }

  // A link into a closed part opens it; printing opens all.
  const open = target => {
    for (let part = target; part; part = part.parentElement) if (part.tagName === 'DETAILS') part.open = true;
  };
  const follow = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { open(target); target.scrollIntoView(); }
  };
  addEventListener('hashchange', follow);
  follow();
  addEventListener('beforeprint', () => all('details.part').forEach(part => { part.open = true; }));
})();
