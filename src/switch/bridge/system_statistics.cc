#include "switch/bridge/system_statistics.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <mntent.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

namespace weft::vswitch {

namespace {

std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

void add_load(ovsdb::StringMap& out) {
    double load[3];
    if (::getloadavg(load, 3) == 3)
        out.set("load_average", fmt::format("{:.2f},{:.2f},{:.2f}", load[0], load[1], load[2]));
}

void add_memory(ovsdb::StringMap& out) {
    std::istringstream in(contents("/proc/meminfo"));
    std::map<std::string, int64_t> kilobytes;
    for (std::string line; std::getline(in, line);) {
        size_t colon = line.find(':');
        if (colon != std::string::npos)
            kilobytes[line.substr(0, colon)] = std::strtoll(line.c_str() + colon + 1, nullptr, 10);
    }
    if (!kilobytes["MemTotal"]) return;
    out.set("memory",
            fmt::format("{},{},{},{},{}", kilobytes["MemTotal"], kilobytes["MemTotal"] - kilobytes["MemFree"],
                        kilobytes["Buffers"] + kilobytes["Cached"], kilobytes["SwapTotal"],
                        kilobytes["SwapTotal"] - kilobytes["SwapFree"]));
}

struct Process {
    int parent = 0, processor = 0;
    int64_t cpu_ms = 0, started_ms = 0;  // after the system's start
    int64_t virtual_kb = 0, resident_kb = 0;
};

std::optional<Process> read_process(int pid) {
    std::string stat = contents(fmt::format("/proc/{}/stat", pid));
    size_t name_end = stat.rfind(')');  // the name may hold anything
    if (name_end == std::string::npos) return std::nullopt;
    std::istringstream in(stat.substr(name_end + 1));
    std::vector<std::string> fields;  // proc(5): the third field is the first here
    for (std::string field; in >> field;) fields.push_back(field);
    if (fields.size() < 37) return std::nullopt;
    auto number = [&](size_t n) { return std::strtoll(fields[n - 3].c_str(), nullptr, 10); };
    int64_t ticks = ::sysconf(_SC_CLK_TCK);
    Process out;
    out.parent = static_cast<int>(number(4));
    out.cpu_ms = (number(14) + number(15)) * 1000 / ticks;
    out.started_ms = number(22) * 1000 / ticks;
    out.virtual_kb = number(23) / 1024;
    out.processor = static_cast<int>(number(39));
    out.resident_kb = number(24) * ::sysconf(_SC_PAGESIZE) / 1024;
    return out;
}

// The process that holds the pidfile's lock, 0 if none does.
int holder_of(const std::string& path) {
    int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    struct flock lock {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    bool asked = ::fcntl(file, F_GETLK, &lock) == 0;
    ::close(file);
    if (asked && lock.l_type != F_UNLCK) return lock.l_pid;
    // Nobody meets a lock of his own.
    int pid = std::atoi(contents(path).c_str());
    return pid == ::getpid() ? pid : 0;
}

// A daemon under --monitor is the child of one whose command line says how often it died.
std::optional<int> crashes_told_by(int parent) {
    std::string line = contents(fmt::format("/proc/{}/cmdline", parent));
    if (line.find(": monitoring pid ") == std::string::npos) return std::nullopt;
    size_t open = line.find('(');
    return open == std::string::npos ? 0 : std::atoi(line.c_str() + open + 1);
}

void add_processes(ovsdb::StringMap& out, const std::string& rundir) {
    double uptime = std::strtod(contents("/proc/uptime").c_str(), nullptr);
    auto now_ms = static_cast<int64_t>(uptime * 1000);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(rundir, error)) {
        if (entry.path().extension() != ".pid") continue;
        int pid = holder_of(entry.path());
        auto process = pid > 0 ? read_process(pid) : std::nullopt;
        if (!process) continue;
        int64_t running_ms = now_ms - process->started_ms, since_ms = running_ms;
        int crashes = 0;
        if (auto told = crashes_told_by(process->parent)) {
            crashes = *told;
            if (auto monitor = read_process(process->parent)) since_ms = now_ms - monitor->started_ms;
        }
        out.set("process_" + entry.path().stem().string(),
                fmt::format("{},{},{},{},{},{},{}", process->virtual_kb, process->resident_kb,
                            process->cpu_ms, crashes, since_ms, running_ms, process->processor));
    }
}

// The types of file systems that lie on devices.
std::set<std::string> local_types() {
    std::set<std::string> out;
    std::istringstream in(contents("/proc/filesystems"));
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("nodev")) out.insert(line.substr(line.find_first_not_of("\t ")));
    }
    return out;
}

void add_file_systems(ovsdb::StringMap& out) {
    std::FILE* mounts = ::setmntent("/proc/mounts", "r");
    if (!mounts) return;
    std::set<std::string> types = local_types(), seen;
    std::string text;
    while (const mntent* mount = ::getmntent(mounts)) {
        if (!types.contains(mount->mnt_type) || ::hasmntopt(mount, MNTOPT_RO)) continue;
        struct statvfs sizes {};
        if (::statvfs(mount->mnt_dir, &sizes) || !sizes.f_blocks) continue;
        if (!seen.insert(mount->mnt_fsname).second) continue;  // the same one, mounted twice
        std::string where = mount->mnt_dir;
        std::replace_if(
            where.begin(), where.end(), [](char c) { return c == ' ' || c == ','; }, '_');
        uint64_t unit = sizes.f_frsize;
        text += fmt::format("{}{},{},{}", text.empty() ? "" : " ", where, sizes.f_blocks * unit / 1024,
                            (sizes.f_blocks - sizes.f_bfree) * unit / 1024);
    }
    ::endmntent(mounts);
    if (!text.empty()) out.set("file_systems", text);
}

}  // namespace

ovsdb::StringMap system_statistics(const std::string& rundir) {
    ovsdb::StringMap out;
    if (long processors = ::sysconf(_SC_NPROCESSORS_ONLN); processors > 0)
        out.set("cpu", std::to_string(processors));
    add_load(out);
    add_memory(out);
    add_processes(out, rundir);
    add_file_systems(out);
    return out;
}

}  // namespace weft::vswitch
