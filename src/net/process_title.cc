#include "net/process_title.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace weft::net {

void set_process_title(std::string_view title) {
    // proc(5): after the name in parentheses come the fields from the 3rd on; the 48th and 49th are the ends
    // of the memory that /proc/PID/cmdline shows.
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) return;
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 48; ++field) fields >> skipped;
    uintptr_t start = 0, end = 0;
    fields >> start >> end;
    if (!fields || start == 0 || end <= start) return;
    char* memory = reinterpret_cast<char*>(start);
    size_t room = end - start, used = std::min(title.size(), room - 1);
    std::memcpy(memory, title.data(), used);
    std::memset(memory + used, 0, room - used);
}

}  // namespace weft::net
