// The patterns of log lines: conversion specifiers as in ovs-appctl(8), "vlog/set PATTERN".
//
//   %A program   %B RFC 5424 priority   %c module   %d %D local and UTC time, with an optional {strftime
//   format} in which ### stands for milliseconds   %E host   %m message   %N number   %n newline   %p level
//   %P process   %r ms since the start %t %T thread, the latter in parentheses   %% itself.  A minus sign,
//   zero and width may stand after the %.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"

namespace weft::log {

struct Line {
    const char* program = "";
    const char* module = "";
    Level level = Level::kInfo;
    std::string_view message;
    uint64_t number = 0;
    int64_t wall_ms = 0;
    int64_t since_start_ms = 0;
    std::string_view thread;
    int facility = 3 << 3;  // as in <syslog.h>
};

std::string format_line(std::string_view pattern, const Line& line);
const char* level_name(Level level);  // "WARN"; "OFF"
int syslog_severity(Level level);

}  // namespace weft::log
