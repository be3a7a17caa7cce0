"""Of each row the table has the fastest of the others, and why framefs is slower where it is."""

import peers_report
from peers_report import Results, fastest_table

WHY = {('find', 'erofs'): 'listings come from a process'}


def way(over=(), **rates):
    return {'layout': 'flat', 'missing': None, 'over': list(over),
            'figures': {row: [rate] for row, rate in rates.items()}}


def cells(**asked):
    results = Results({'records': 100, 'part': 100, 'limit_s': 10, 'ways': asked})
    table, = fastest_table(results, WHY)
    return {row[0]: row[1:] for row in ([cell.strip() for cell in line.strip('|').split('|')]
                                        for line in table.splitlines()[2:])}


found = cells(framefs=way(find=10, stat=10, read=10, random=10, over=['grep']),
              files=way(find=20, stat=40, read=5, over=['random', 'grep']),
              erofs=way(find=30, stat=20, read=2))
assert found == {'find': ['erofs', '0.33', WHY['find', 'erofs']],
                 'stat': ['files', '0.25', peers_report.WHY_UNKNOWN],
                 'read': ['files', '2.00', ''],
                 'random': ['files', '>1.00', ''],
                 'grep': ['files', 'neither ended', '']}, found
