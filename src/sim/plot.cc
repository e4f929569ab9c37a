#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/append.h"
#include "sim/measurement.h"

namespace weft::sim {

namespace {

constexpr double kWidth = 900, kLeft = 70, kRight = 180;
constexpr double kCurvesTop = 60, kCurvesHeight = 300;
constexpr double kBarsTop = 440, kBarHeight = 22, kBarStep = 32;
constexpr const char* kColours[] = {"#0b6fa4", "#d1495b", "#2e933c", "#edae49",
                                    "#7b4fa3", "#5c5c5c", "#00798c"};
constexpr const char* kProgramColours[kPrograms] = {"#0b6fa4", "#2e933c", "#edae49"};

const char* colour(size_t i) {
    return kColours[i % std::size(kColours)];
}

void text(std::string& out, double x, double y, std::string_view what, const char* anchor = "start") {
    std::string escaped;
    for (char c : what) escaped += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    append(out, "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escaped);
}

void line(std::string& out, double x1, double y1, double x2, double y2) {
    append(out, "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ccc\"/>\n", x1, y1,
           x2, y2);
}

// Share of the changes over time until all chassis have them, the time on a logarithmic scale.
void curves(std::string& out, const Measurements& measurements) {
    double least = 1e9, most = 1;
    for (const OperationResult& operation : measurements.operations) {
        for (const Sample& sample : operation.samples) {
            least = std::min(least, std::max(sample.all_ms, 0.01));
            most = std::max(most, sample.all_ms);
        }
    }
    double first = std::floor(std::log10(std::min(least, most))),
           last = std::max(std::ceil(std::log10(most)), first + 1);
    double width = kWidth - kLeft - kRight, bottom = kCurvesTop + kCurvesHeight;
    auto x_of = [&](double ms) {
        return kLeft + (std::log10(std::max(ms, 0.01)) - first) / (last - first) * width;
    };
    auto y_of = [&](double share) { return bottom - share * kCurvesHeight; };
    text(out, kLeft, kCurvesTop - 12, "share of changes that all chassis have, after ms");
    for (double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
        line(out, kLeft, y_of(share), kLeft + width, y_of(share));
        std::string label;
        append(label, "{:.0f} %", share * 100);
        text(out, kLeft - 8, y_of(share) + 4, label, "end");
    }
    for (double decade = first; decade <= last; ++decade) {
        line(out, x_of(std::pow(10, decade)), kCurvesTop, x_of(std::pow(10, decade)), bottom);
        std::string label;
        append(label, "{:g}", std::pow(10, decade));
        text(out, x_of(std::pow(10, decade)), bottom + 18, label, "middle");
    }
    for (size_t i = 0; i < measurements.operations.size(); ++i) {
        const OperationResult& operation = measurements.operations[i];
        std::vector<double> times;
        for (const Sample& sample : operation.samples) times.push_back(sample.all_ms);
        std::sort(times.begin(), times.end());
        if (times.empty()) continue;
        append(out, "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"{:.1f},{:.1f}",
               colour(i), x_of(times.front()), y_of(0));
        for (size_t n = 0; n < times.size(); ++n) {
            double share = static_cast<double>(n + 1) / static_cast<double>(times.size());
            append(out, " {:.1f},{:.1f}", x_of(times[n]), y_of(share));
        }
        out += "\"/>\n";
        double y = kCurvesTop + 20 * static_cast<double>(i) + 10;
        append(out, "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/>\n",
               kWidth - kRight + 15, y - 10, colour(i));
        text(out, kWidth - kRight + 33, y, operation.name);
    }
}

// The median processor time of a change, program by program.
void bars(std::string& out, const Measurements& measurements) {
    std::vector<ByProgram> medians;
    double most = 0.001;
    for (const OperationResult& operation : measurements.operations) {
        ByProgram median{};
        double sum = 0;
        for (size_t i = 0; i < kPrograms; ++i) {
            std::vector<double> cpu;
            for (const Sample& sample : operation.samples) cpu.push_back(sample.cpu[i]);
            sum += median[i] = quantile(std::move(cpu), 0.5);
        }
        most = std::max(most, sum);
        medians.push_back(median);
    }
    double left = kLeft + 70, width = kWidth - left - kRight;
    text(out, kLeft, kBarsTop - 12, "median processor time of a change, ms");
    for (size_t n = 0; n < medians.size(); ++n) {
        double y = kBarsTop + kBarStep * static_cast<double>(n), x = left, sum = 0;
        text(out, left - 8, y + kBarHeight * 0.7, measurements.operations[n].name, "end");
        for (size_t i = 0; i < kPrograms; ++i) {
            double length = medians[n][i] / most * width;
            append(out, "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>\n", x,
                   y, length, kBarHeight, kProgramColours[i]);
            x += length;
            sum += medians[n][i];
        }
        std::string label;
        append(label, "{:.2f}", sum);
        text(out, x + 6, y + kBarHeight * 0.7, label);
    }
    for (size_t i = 0; i < kPrograms; ++i) {
        double y = kBarsTop + 20 * static_cast<double>(i) + 10;
        append(out, "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/>\n",
               kWidth - kRight + 15, y - 10, kProgramColours[i]);
        text(out, kWidth - kRight + 33, y, kProgramNames[i]);
    }
}

}  // namespace

std::string plot(const Measurements& measurements) {
    double height = kBarsTop + kBarStep * static_cast<double>(measurements.operations.size()) + 20;
    std::string out;
    append(out,
           "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 "
           "{0:.0f} {1:.0f}\" "
           "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
           "fill=\"white\"/>\n",
           kWidth, height);
    text(out, kLeft, 24, measurements.title);
    curves(out, measurements);
    bars(out, measurements);
    return out + "</svg>\n";
}

}  // namespace weft::sim
