#include "sim/central.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "schema/catalog.h"

namespace weft::sim {

namespace {

constexpr int kSecondsToServe = 20;

Result<void> wait_for_file(const std::string& file, const Process& process) {
    for (int hundredth = 0; hundredth < kSecondsToServe * 100; ++hundredth) {
        if (access(file.c_str(), F_OK) == 0) return {};
        if (!process.alive()) break;
        usleep(10'000);
    }
    return Error{fmt::format("{} did not begin to serve {}", process.name(), file)};
}

}  // namespace

Result<void> Central::serve(const char* database, const char* name, std::unique_ptr<Process>& server) {
    std::string base = fmt::format("{}/{}", folder_, name);
    std::ofstream(base + ".ovsschema") << schema::find_database(database)->database->schema_text;
    WEFT_TRY(Process::run(programs_, {"ovsdb-tool", "create", base + ".db", base + ".ovsschema"},
                          base + "-tool.log"));
    WEFT_ASSIGN(server, Process::start(programs_,
                                       {"ovsdb-server", "--remote=punix:" + base + ".sock",
                                        "--unixctl=" + base + ".ctl", "-vconsole:warn", base + ".db"},
                                       base + ".log"));
    return wait_for_file(base + ".sock", *server);
}

Result<std::unique_ptr<Central>> Central::start(const std::string& programs) {
    const char* parent = std::getenv("TMPDIR");
    std::string pattern = fmt::format("{}/weft-sim.XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(pattern.data())) return Error{fmt::format("{}: {}", pattern, std::strerror(errno))};
    std::unique_ptr<Central> central(new Central);
    central->programs_ = programs;
    central->folder_ = pattern;
    WEFT_TRY(central->serve("OVN_Northbound", "nb", central->nb_));
    WEFT_TRY(central->serve("OVN_Southbound", "sb", central->sb_));
    return central;
}

Result<void> Central::start_northd() {
    WEFT_ASSIGN(northd_,
                Process::start(programs_,
                               {"ovn-northd", "--ovnnb-db=" + northbound(), "--ovnsb-db=" + southbound(),
                                "--unixctl=" + folder_ + "/northd.ctl", "-vconsole:warn"},
                               folder_ + "/northd.log"));
    return {};
}

Central::~Central() {
    northd_.reset();
    sb_.reset();
    nb_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string Central::casualty() const {
    for (const auto& [process, log] :
         {std::pair(nb_.get(), "nb"), {sb_.get(), "sb"}, {northd_.get(), "northd"}}) {
        if (!process || process->alive()) continue;
        std::string last, line;
        std::ifstream file(fmt::format("{}/{}.log", folder_, log));
        while (std::getline(file, line)) last = line;
        return fmt::format("{} ({}) has ended; its last words: {}", process->name(), log, last);
    }
    return "";
}

}  // namespace weft::sim
