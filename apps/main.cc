// The one binary.  It acts as the program it is called as (argv[0], through a link) or, called
// `weft NAME ...`, as NAME.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/options.h"
#include "base/version.h"

namespace weft::apps {

#define PROGRAM(name, function) int function(int argc, char** argv);
#include "programs.def"
#undef PROGRAM

namespace {

struct Program {
    const char* name;
    int (*run)(int argc, char** argv);
};

constexpr Program kPrograms[] = {
#define PROGRAM(name, function) {name, function},
#include "programs.def"
#undef PROGRAM
    {nullptr, nullptr},
};

const Program* find_program(std::string_view path) {
    std::string_view name = path.substr(path.rfind('/') + 1);
    for (const Program* program = kPrograms; program->name; ++program) {
        if (name == program->name) return program;
    }
    return nullptr;
}

// The argument of `weft`: "sim" is the program "weft-sim".
const Program* find_argument(std::string_view name) {
    const Program* program = find_program(name);
    return program ? program : find_program("weft-" + std::string(name));
}

void print_usage(std::FILE* out) {
    std::fprintf(out,
                 "weft: a virtual network for VMs and containers\n"
                 "usage: weft PROGRAM [ARGUMENT...]\n"
                 "or call it by the name of a program, through a link.\n"
                 "       weft man PROGRAM            the manual page\n"
                 "       weft man --all DIRECTORY    all of them, as files in roff\n"
                 "Programs:\n");
    for (const Program* program = kPrograms; program->name; ++program) {
        std::fprintf(out, "  %s\n", program->name);
    }
}

// The page of a program is what its --help says, in the other form.  Runs in a child, since programs exit as
// they like, with the page going to `out`.  False if the program failed.
bool write_manual_page(const Program& program, std::FILE* out) {
    std::fflush(nullptr);
    pid_t child = fork();
    if (child == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        make_help_the_manual_page();
        std::string name = program.name, help = "--help";
        char* arguments[] = {name.data(), help.data(), nullptr};
        int status = program.run(2, arguments);
        std::fflush(nullptr);
        _exit(status);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The programs that are shell scripts beside the binary write their own pages.
constexpr const char* kScripts[] = {"ovn-ctl", "ovs-ctl", "ovs-tcpdump"};

bool is_script(std::string_view name) {
    for (const char* script : kScripts) {
        if (name == script) return true;
    }
    return false;
}

bool write_script_page(const std::string& name, std::FILE* out) {
    std::fflush(nullptr);
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self);
    if (length <= 0) return false;
    std::string path(self, static_cast<size_t>(length));
    path = path.substr(0, path.rfind('/') + 1) + name;
    pid_t child = fork();
    if (child == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        execl(path.c_str(), path.c_str(), "--help-man", nullptr);
        std::fprintf(stderr, "weft: %s: %s\n", path.c_str(), std::strerror(errno));
        _exit(127);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// DIRECTORY/manN/PROGRAM.N of every program, as far as they have one.  N is on the page's first line, ".TH
// NAME N".
// Of one program; `write` writes it.
template <typename Write>
bool write_page_file(const std::string& directory, const std::string& program, Write&& write) {
    std::string written = directory + "/" + program + ".new";
    std::FILE* file = std::fopen(written.c_str(), "w+");
    if (!file) {
        std::fprintf(stderr, "weft: %s: %s\n", written.c_str(), std::strerror(errno));
        return false;
    }
    bool ok = write(file);
    char name[64] = "", section[8] = "";
    std::rewind(file);
    ok = ok && std::fscanf(file, ".TH %63s %7s", name, section) == 2;
    std::fclose(file);
    if (!ok) {
        std::fprintf(stderr, "weft: %s has no manual page\n", program.c_str());
        unlink(written.c_str());
        return false;
    }
    std::string folder = directory + "/man" + section;
    mkdir(folder.c_str(), 0755);
    std::rename(written.c_str(), (folder + "/" + program + "." + section).c_str());
    return true;
}

int write_all_manual_pages(const std::string& directory) {
    mkdir(directory.c_str(), 0755);
    bool all = true;
    for (const Program* program = kPrograms; program->name; ++program) {
        all &= write_page_file(directory, program->name,
                               [&](std::FILE* file) { return write_manual_page(*program, file); });
    }
    for (const char* script : kScripts) {
        all &= write_page_file(directory, script,
                               [&](std::FILE* file) { return write_script_page(script, file); });
    }
    return all ? 0 : 1;
}

int man(int argc, char** argv) {
    if (argc == 3 && !std::strcmp(argv[1], "--all")) return write_all_manual_pages(argv[2]);
    if (argc != 2) {
        std::fprintf(stderr, "usage: weft man PROGRAM, or weft man --all DIRECTORY\n");
        return 1;
    }
    const Program* program = find_argument(argv[1]);
    if (!program && !is_script(argv[1])) {
        std::fprintf(stderr, "weft: no program is called \"%s\"; `weft --help` lists them\n", argv[1]);
        return 1;
    }
    // On a terminal the page is shown as man(1) shows pages, else it is given as it is.
    std::FILE* reader = isatty(STDOUT_FILENO) ? popen("man -l - 2>/dev/null || cat", "w") : nullptr;
    std::FILE* out = reader ? reader : stdout;
    bool ok = program ? write_manual_page(*program, out) : write_script_page(argv[1], out);
    if (reader) pclose(reader);
    return ok ? 0 : 1;
}

int run(int argc, char** argv) {
    if (argc > 0) {
        if (const Program* program = find_program(argv[0])) return program->run(argc, argv);
    }
    if (argc < 2) {
        print_usage(stderr);
        return 1;
    }
    if (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h")) {
        print_usage(stdout);
        return 0;
    }
    if (!std::strcmp(argv[1], "--version")) {
        std::printf("weft %s\n", std::string(kWeftVersion).c_str());
        return 0;
    }
    if (!std::strcmp(argv[1], "man")) return man(argc - 1, argv + 1);
    if (const Program* program = find_argument(argv[1])) return program->run(argc - 1, argv + 1);
    std::fprintf(stderr, "weft: no program is called \"%s\"; `weft --help` lists them\n", argv[1]);
    return 1;
}

}  // namespace
}  // namespace weft::apps

int main(int argc, char** argv) {
    return weft::apps::run(argc, argv);
}
