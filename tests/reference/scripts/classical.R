# Numbers of tests/reference/r.json, from R and its packages survival, metafor and survey.
#   Rscript tests/reference/scripts/classical.R tests/data/survival/lung.csv > tests/reference/r.json
# Made with the versions that the file names. The tests read the file and need no R.
suppressMessages({library(survival); library(metafor); library(survey); library(jsonlite)})
lung <- read.csv(commandArgs(trailingOnly = TRUE)[1])
out <- list(software = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                            metafor = as.character(packageVersion("metafor")), survey = as.character(packageVersion("survey"))))

# Two proportions: 30 of 120 against 57 of 380, and small, empty and full ones.
tables <- list(c(30, 120, 57, 380), c(3, 10, 1, 12), c(5000, 1e5, 4800, 1e5), c(0, 50, 4, 60), c(50, 50, 55, 60))
out$proportions <- lapply(tables, function(t) {
  # Without continuity correction prop.test's p-value is the chi-square's, and its interval Wald's.
  test <- suppressWarnings(prop.test(t[c(1, 3)], t[c(2, 4)], correct = FALSE))
  wilson <- lapply(list(t[1:2], t[3:4]), function(a) suppressWarnings(prop.test(a[1], a[2], correct = FALSE))$conf.int)
  list(table = t, p = test$p.value, chi2 = unname(test$statistic), wald = test$conf.int, wilson = wilson)
})

# Risk ratio with Katz's interval: escalc's log risk ratio.
katz <- escalc(measure = "RR", ai = 30, n1i = 120, ci = 57, n2i = 380, add = 0)
out$katz <- list(log_ratio = c(katz$yi), se = sqrt(c(katz$vi)))

# Strata: days of a ramp, among them one with a single candidate unit and one without events.
strata <- data.frame(y_c = c(4, 50, 0, 1, 0, 12), n_c = c(10, 290, 1, 30, 25, 300),
                     y_b = c(90, 2, 7, 3, 0, 20), n_b = c(290, 20, 99, 270, 75, 300))
rd <- rma.mh(measure = "RD", ai = y_c, n1i = n_c, ci = y_b, n2i = n_b, data = strata, correct = FALSE, add = 0, drop00 = FALSE)
rr <- rma.mh(measure = "RR", ai = y_c, n1i = n_c, ci = y_b, n2i = n_b, data = strata, correct = FALSE, add = 0, drop00 = FALSE)
cube <- array(with(strata, rbind(y_c, n_c - y_c, y_b, n_b - y_b)), c(2, 2, nrow(strata)))
cmh <- mantelhaen.test(cube, correct = FALSE)
out$mantel_haenszel <- list(strata = strata, difference = c(rd$beta), se = rd$se, log_ratio = c(rr$beta), log_ratio_se = rr$se,
                            chi2 = unname(cmh$statistic), p = cmh$p.value)

# Welch's t, on lung's ages.
ages <- split(lung$age, lung$sex)
w <- t.test(ages[["2"]], ages[["1"]])
out$welch <- list(difference = unname(w$estimate[1] - w$estimate[2]), se = w$stderr, t = unname(w$statistic),
                  df = unname(w$parameter), p = w$p.value, interval = w$conf.int)
small <- t.test(c(3.1, 2.8, 3.9, 3.3), c(2.9, 2.5, 3.0, 2.7, 2.6))
out$welch_small <- list(t = unname(small$statistic), df = unname(small$parameter), p = small$p.value, interval = small$conf.int)

# CUPED: the coefficient of the arm in least squares on arm and covariate; age as covariate of time.
out$cuped <- list(difference = unname(coef(lm(time ~ I(sex == 2) + age, lung))[2]), slope = unname(coef(lm(time ~ I(sex == 2) + age, lung))[3]))

# Survival.
curves <- summary(survfit(Surv(time, event) ~ sex, lung), times = c(180, 365, 540))
out$kaplan_meier <- list(sex = as.integer(curves$strata), time = curves$time, survival = curves$surv, se = curves$std.err)
loglog <- summary(survfit(Surv(time, event) ~ 1, lung, conf.type = "log-log"), times = c(180, 365, 540))
out$kaplan_meier_all <- list(lower = loglog$lower, upper = loglog$upper)
means <- summary(survfit(Surv(time, event) ~ sex, lung), rmean = 365)$table
out$restricted_mean <- list(mean = unname(means[, "rmean"]), se = unname(means[, "se(rmean)"]))
plain <- survdiff(Surv(time, event) ~ sex, lung)
lung$old <- lung$age >= 65
strat <- survdiff(Surv(time, event) ~ sex + strata(old), lung)
pack <- function(d) list(observed = sum(as.matrix(d$obs)[2, ]), expected = sum(as.matrix(d$exp)[2, ]), variance = d$var[2, 2], chi2 = d$chisq)
out$log_rank <- pack(plain)
out$log_rank_stratified <- pack(strat)

# Ratio of sums: linearised variance of a ratio in a sample of units, time per year of age and sex.
one <- function(k) {
  d <- svydesign(ids = ~1, weights = rep(1, sum(lung$sex == k)), data = lung[lung$sex == k, ])
  r <- svyratio(~time, ~age, d)
  list(ratio = unname(coef(r)), se = unname(SE(r))[1])
}
out$ratio <- list(sex1 = one(1), sex2 = one(2))

# Woodruff's interval for percentiles of age at death or last visit.
q <- svyquantile(~time, svydesign(ids = ~1, weights = rep(1, nrow(lung)), data = lung), quantiles = c(0.5, 0.9),
                 interval.type = "mean", df = Inf, qrule = "math")
out$woodruff <- list(q = c(0.5, 0.9), value = unname(coef(q)), interval = unname(as.matrix(q$time[, c("ci.2.5", "ci.97.5")])))

# Chi-square of a split.
out$split <- list(units = c(4870, 45130), weights = c(0.1, 0.9), p = chisq.test(c(4870, 45130), p = c(0.1, 0.9))$p.value)
cat(toJSON(out, digits = I(15), auto_unbox = TRUE, pretty = 1), "\n")
