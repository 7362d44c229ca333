# The numbers of tests/reference/test_log_rank.py: Rscript tests/reference/scripts/log_rank.R (R 4, package survival).
# Times are put into steps of 30 days, and patients into strata by age, as the gate puts units into periods and bins.
library(survival)
lung <- read.csv("tests/data/survival/lung.csv")
told <- function(fit) cat(sprintf("%.10f", c(sum(as.matrix(fit$obs)[2, ] - as.matrix(fit$exp)[2, ]), fit$var[2, 2], fit$chisq)), "\n")
told(survdiff(Surv(time, event) ~ sex, lung))
told(survdiff(Surv(ceiling(time / 30), event) ~ sex, lung))
told(survdiff(Surv(ceiling(time / 30), event) ~ sex + strata(age >= 63), lung))
