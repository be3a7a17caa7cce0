"""Curves over powers of ten on both axes, and bars, as an SVG: panels side by side, two a row.

What is drawn is told by classes alone, so that it is readable on a light and on a dark page.
"""

import math
from xml.sax.saxutils import escape

PANEL_WIDTH, PANEL_HEIGHT = 460, 330
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 40, 50
LEGEND_PX = 16
BAR_LEFT, BAR_RIGHT, BAR_PX = 126, 70, 20  # beside the bars: names, and what they tell
DECADE_ROWS = 8  # as many labelled powers of ten as an axis has room for

STYLE = '''
  text { font: 12px sans-serif; fill: #1f2328 }
  .title { font-weight: bold; font-size: 14px }
  .page { fill: #ffffff }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .curve { fill: none; stroke-width: 2 }
  .a { stroke: #0969da } .b { stroke: #bc4c00 } .c { stroke: #1a7f37 } .d { stroke: #8250df }
  .dot { stroke-width: 2; fill: #ffffff }
  .bar { stroke: none }
  .bar.a { fill: #0969da } .bar.b { fill: #bc4c00 }
  .bar.c { fill: #1a7f37 } .bar.d { fill: #8250df }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .page, .dot { fill: #0d1117 }
    .grid { stroke: #3d444d }
    .a { stroke: #58a6ff } .b { stroke: #f0883e } .c { stroke: #56d364 } .d { stroke: #bc8cff }
    .bar.a { fill: #58a6ff } .bar.b { fill: #f0883e } .bar.c { fill: #56d364 }
    .bar.d { fill: #bc8cff }
  }
'''
SUPERSCRIPTS = str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹')


def power(exponent):
    return '10' + str(exponent).translate(SUPERSCRIPTS)


class Axis:
    """From a power of ten to another one, on so many pixels from begin on."""

    def __init__(self, values, begin, length):
        self.low = math.floor(math.log10(min(values)) + 1e-9)
        self.high = max(self.low + 1, math.ceil(math.log10(max(values)) - 1e-9))
        self.begin, self.length = begin, length

    def place(self, value):
        return self.begin + self.length * (math.log10(value) - self.low) / (self.high - self.low)

    def decades(self):
        step = -(-(self.high - self.low) // DECADE_ROWS)
        return range(self.low, self.high + 1, step)


def dot(kind, x, y):
    """A mark of its own for each curve, for whoever sees no colours."""
    if kind == 'a':
        return f'<circle class="dot a" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    corners = {'b': ((-4, -4), (4, -4), (4, 4), (-4, 4)), 'c': ((0, -5), (5, 4), (-5, 4)),
               'd': ((0, -5), (5, 0), (0, 5), (-5, 0))}[kind]
    points = ' '.join(f'{x + right:.1f},{y + down:.1f}' for right, down in corners)
    return f'<polygon class="dot {kind}" points="{points}"/>'


def panel(title, x_label, y_label, curves):
    """curves: (name, [(x, y), ...]), four at most; those without points are left out."""
    curves = [(name, sorted(points)) for name, points in curves if points]
    every = [point for _, points in curves for point in points]
    x_axis = Axis([x for x, _ in every], LEFT, PANEL_WIDTH - LEFT - RIGHT)
    y_axis = Axis([y for _, y in every], PANEL_HEIGHT - BOTTOM,
                  -(PANEL_HEIGHT - BOTTOM - TOP - LEGEND_PX * len(curves)))
    top, bottom = y_axis.begin + y_axis.length, y_axis.begin
    out = [f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>']
    for exponent in x_axis.decades():
        x = x_axis.place(10.0**exponent)
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
                   f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">'
                   f'{power(exponent)}</text>')
    for exponent in y_axis.decades():
        y = y_axis.place(10.0**exponent)
        out.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{PANEL_WIDTH - RIGHT}" '
                   f'y2="{y:.1f}"/>'
                   f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                   f'{power(exponent)}</text>')
    out.append(f'<text x="{(LEFT + PANEL_WIDTH - RIGHT) / 2}" y="{PANEL_HEIGHT - 14}" '
               f'text-anchor="middle">{escape(x_label)}</text>')
    middle = (top + bottom) / 2
    out.append(f'<text x="18" y="{middle}" text-anchor="middle" '
               f'transform="rotate(-90 18 {middle})">{escape(y_label)}</text>')
    for row, (kind, (name, points)) in enumerate(zip('abcd', curves)):
        placed = [(x_axis.place(x), y_axis.place(y)) for x, y in points]
        line = ' '.join(f'{x:.1f},{y:.1f}' for x, y in placed)
        out.append(f'<polyline class="curve {kind}" points="{line}"/>')
        out += [dot(kind, x, y) for x, y in placed]
        y = TOP + LEGEND_PX * row
        out.append(f'{dot(kind, LEFT + 6, y - 4)}<text x="{LEFT + 18}" y="{y}">{escape(name)}'
                   '</text>')
    return '\n'.join(out)


def bars(title, x_label, entries):
    """entries: (name, kind of 'abcd', value or None, what is told of it), from above."""
    axis = Axis([value for _, _, value, _ in entries if value is not None], BAR_LEFT,
                PANEL_WIDTH - BAR_LEFT - BAR_RIGHT)
    bottom = TOP + BAR_PX * len(entries)
    out = [f'<text class="title" x="16" y="22">{escape(title)}</text>']
    for exponent in axis.decades():
        x = axis.place(10.0**exponent)
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}"/>'
                   f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">'
                   f'{power(exponent)}</text>')
    out.append(f'<text x="{axis.begin + axis.length / 2}" y="{bottom + 32}" text-anchor="middle">'
               f'{escape(x_label)}</text>')
    for row, (name, kind, value, told) in enumerate(entries):
        y, end = TOP + BAR_PX * row, axis.begin
        if value is not None:
            end = axis.place(value)
            out.append(f'<rect class="bar {kind}" x="{axis.begin}" y="{y}" '
                       f'width="{max(1, end - axis.begin):.1f}" height="{BAR_PX - 6}"/>')
        out.append(f'<text x="{axis.begin - 6}" y="{y + 11}" text-anchor="end">{escape(name)}'
                   '</text>'
                   f'<text x="{end + 5:.1f}" y="{y + 11}">{escape(told)}</text>')
    return '\n'.join(out)


def draw(path, description, panels):
    """panels: of panel() and bars()."""
    width, height = 2 * PANEL_WIDTH, -(-len(panels) // 2) * PANEL_HEIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" role="img">',
             f'<title>{escape(description)}</title>', f'<style>{STYLE}</style>',
             f'<rect class="page" width="{width}" height="{height}"/>']
    for number, one in enumerate(panels):
        parts.append(f'<g transform="translate({number % 2 * PANEL_WIDTH} '
                     f'{number // 2 * PANEL_HEIGHT})">\n{one}\n</g>')
    with open(path, 'w', encoding='utf-8') as stream:
        stream.write('\n'.join(parts) + '\n</svg>\n')
